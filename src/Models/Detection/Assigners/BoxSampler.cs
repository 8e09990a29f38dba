using Tessera.Framework.Data;

namespace Tessera.Models.Detection.Assigners;

/// <summary>Which of an image's anchors (or proposals) the losses look at.</summary>
[ComponentKind("box sampler")]
public abstract class BoxSampler
{
    /// <param name="assigned">For each anchor the index of its box, or what <see cref="Assigner"/> says.</param>
    /// <returns>Indices of anchors that are to find a box, and of those that are background; rising.</returns>
    public abstract (int[] Positives, int[] Negatives) Sample(int[] assigned, RandomSource random);
}

/// <param name="Num">At most this many of an image.</param>
/// <param name="PosFraction">The part of them that is to find boxes, at most.</param>
/// <param name="NegPosUb">At most this many of the background for each that is to find a box; -1: no such bound.</param>
public sealed record RandomBoxSamplerOptions(
    [property: Range(1, 10_000_000)] int Num = 512,
    [property: Range(0, 1)] double PosFraction = 0.25,
    [property: Range(-1, 1_000_000)] double NegPosUb = -1
);

/// <summary>By chance, with a bound on the part of the positives; what positives leave free, the background takes.</summary>
/// <remarks>Ren et al., "Faster R-CNN", 2015, arXiv:1506.01497, section 3.1.3.</remarks>
[Component("RandomSampler")]
public sealed class RandomBoxSampler(RandomBoxSamplerOptions options) : BoxSampler
{
    public override (int[] Positives, int[] Negatives) Sample(int[] assigned, RandomSource random)
    {
        var (positives, negatives) = (new List<int>(), new List<int>());
        for (var i = 0; i < assigned.Length; i++)
        {
            if (assigned[i] >= 0)
                positives.Add(i);
            else if (assigned[i] == Assigner.Background)
                negatives.Add(i);
        }
        var found = Some(positives, (int)(options.Num * options.PosFraction), random);
        var room = options.Num - found.Length;
        if (options.NegPosUb >= 0)
            room = (int)Math.Min(room, options.NegPosUb * Math.Max(1, found.Length));
        return (found, Some(negatives, room, random));
    }

    /// <summary>As many of them, each equally likely.</summary>
    private static int[] Some(List<int> from, int count, RandomSource random)
    {
        if (from.Count <= count)
            return [.. from];
        for (var i = 0; i < count; i++) // the first steps of a shuffle
        {
            var other = random.Next(i, from.Count);
            (from[i], from[other]) = (from[other], from[i]);
        }
        var some = from[..count].ToArray();
        Array.Sort(some);
        return some;
    }
}
