namespace Tessera.Framework.Data;

/// <summary>The pixels of a mask that lie near its outline.</summary>
/// <remarks>Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR 2021, arXiv:2103.16562,
/// section 4, with the distance of the authors' evaluation: steps to any of eight neighbours; outside the image nothing is
/// inside.</remarks>
public static class MaskBoundary
{
    /// <summary>The authors' part of the image's diagonal.</summary>
    public const double UsualRatio = 0.02;

    /// <summary>How far the boundary reaches: a part of the diagonal, rounded (halves to even), at least 1.</summary>
    /// <returns>Pixels.</returns>
    public static int Distance(int height, int width, double ratio = UsualRatio) =>
        Math.Max(1, (int)Math.Round(ratio * Math.Sqrt((double)height * height + (double)width * width), MidpointRounding.ToEven));

    /// <summary>What is inside and at most so far from what isn't.</summary>
    /// <param name="distance">Pixels, at least 1.</param>
    public static RunLengthMask Of(RunLengthMask mask, int distance)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(distance, 1);
        var (left, top, width, height) = mask.Box;
        if (width == 0)
            return mask;
        // Columns of the box one behind the other: 1 inside; then 1 where a column's stretch is long enough to both sides as well.
        var (inside, kept) = (new byte[(long)width * height], new byte[(long)width * height]);
        Fill(mask, left, top, height, inside);
        for (var x = 0; x < width; x++)
            Shrink(inside, kept, x * height, 1, height, distance);
        var eroded = new byte[kept.Length];
        for (var y = 0; y < height; y++)
            Shrink(kept, eroded, y, height, width, distance);
        return Outline(mask, inside, eroded, left, top, width, height);
    }

    private static void Fill(RunLengthMask mask, int left, int top, int height, byte[] inside)
    {
        var at = 0;
        for (var i = 0; i < mask.Runs.Count; i++)
        {
            var end = at + mask.Runs[i];
            while (i % 2 == 1 && at < end)
            {
                var (x, y) = (at / mask.Height, at % mask.Height);
                var length = Math.Min(end - at, mask.Height - y);
                inside.AsSpan((x - left) * height + y - top, length).Fill(1);
                at += length;
            }
            at = end;
        }
    }

    /// <summary>Along a line: takes the ends off every stretch.</summary>
    private static void Shrink(byte[] from, byte[] to, int start, int stride, int count, int distance)
    {
        for (var i = 0; i < count; )
        {
            if (from[start + i * stride] == 0)
            {
                i++;
                continue;
            }
            var first = i;
            while (i < count && from[start + i * stride] != 0)
                i++;
            for (var k = first + distance; k < i - distance; k++)
                to[start + k * stride] = 1;
        }
    }

    private static RunLengthMask Outline(RunLengthMask mask, byte[] inside, byte[] eroded, int left, int top, int width, int height)
    {
        var (runs, on, from) = (new List<int>(), false, 0);
        for (var x = 0; x < width; x++)
        for (var y = 0; y <= height; y++)
        {
            var now = y < height && inside[x * height + y] > eroded[x * height + y];
            if (now == on || (y == height && height == mask.Height && x + 1 < width))
                continue; // a column that fills the image goes on in the next
            var place = (left + x) * mask.Height + top + y;
            runs.Add(place - from);
            (on, from) = (now, place);
        }
        if (mask.Height * mask.Width > from)
            runs.Add(mask.Height * mask.Width - from);
        return new RunLengthMask(mask.Height, mask.Width, runs);
    }
}
