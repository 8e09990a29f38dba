namespace Tessera.Framework.Data;

/// <summary>Masks of one image against each other, run by run.</summary>
public static class MaskOverlap
{
    /// <summary>Intersection over union, in [0, 1]; 0 where the masks share no pixel.</summary>
    /// <param name="ofFirst">Over the first mask's own area instead of the union, as COCO does where the second is a crowd.</param>
    /// <exception cref="ArgumentException">The masks are of images of different size.</exception>
    public static double IoU(RunLengthMask a, RunLengthMask b, bool ofFirst = false)
    {
        var shared = Intersection(a, b);
        if (shared == 0)
            return 0;
        return shared / (double)(ofFirst ? a.Area : a.Area + b.Area - shared);
    }

    /// <summary>Pixels inside both.</summary>
    /// <exception cref="ArgumentException">The masks are of images of different size.</exception>
    public static long Intersection(RunLengthMask a, RunLengthMask b)
    {
        RequireSame(a, b);
        var shared = 0L;
        Walk(a, b, (length, inA, inB) => shared += inA && inB ? length : 0);
        return shared;
    }

    /// <summary>What lies in any of them.</summary>
    /// <param name="masks">At least one.</param>
    /// <exception cref="ArgumentException">There is none, or they are of images of different size.</exception>
    public static RunLengthMask Union(IReadOnlyList<RunLengthMask> masks) => Merge(masks, (a, b) => a || b);

    /// <summary>What lies in all of them.</summary>
    /// <inheritdoc cref="Union"/>
    public static RunLengthMask Intersect(IReadOnlyList<RunLengthMask> masks) => Merge(masks, (a, b) => a && b);

    private static RunLengthMask Merge(IReadOnlyList<RunLengthMask> masks, Func<bool, bool, bool> join)
    {
        if (masks.Count == 0)
            throw new ArgumentException("There is no mask to merge.", nameof(masks));
        var merged = masks[0];
        foreach (var mask in masks.Skip(1))
        {
            RequireSame(merged, mask);
            var (runs, inside, length) = (new List<int>(), false, 0);
            Walk(
                merged,
                mask,
                (run, inA, inB) =>
                {
                    if (join(inA, inB) != inside)
                    {
                        runs.Add(length);
                        (inside, length) = (!inside, 0);
                    }
                    length += run;
                }
            );
            runs.Add(length);
            merged = new RunLengthMask(merged.Height, merged.Width, runs);
        }
        return merged;
    }

    /// <summary>Calls for every stretch, none empty, in which neither mask changes.</summary>
    private static void Walk(RunLengthMask a, RunLengthMask b, Action<int, bool, bool> stretch)
    {
        var (runsA, runsB) = (a.Runs, b.Runs);
        var (atA, atB, leftA, leftB) = (0, 0, runsA[0], runsB[0]);
        for (var left = (long)a.Height * a.Width; left > 0; )
        {
            while (leftA == 0)
                leftA = runsA[++atA];
            while (leftB == 0)
                leftB = runsB[++atB];
            var length = Math.Min(leftA, leftB);
            stretch(length, atA % 2 == 1, atB % 2 == 1);
            (leftA, leftB, left) = (leftA - length, leftB - length, left - length);
        }
    }

    private static void RequireSame(RunLengthMask a, RunLengthMask b)
    {
        if (a.Height != b.Height || a.Width != b.Width)
            throw new ArgumentException(
                $"A mask of {a.Width} x {a.Height} pixels and one of {b.Width} x {b.Height} can't be compared.",
                nameof(b)
            );
    }
}
