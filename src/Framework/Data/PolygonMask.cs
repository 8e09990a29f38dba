using System.Globalization;

namespace Tessera.Framework.Data;

/// <summary>
/// Polygons as masks, pixel for pixel as pycocotools fills them: the outline is drawn on a grid five times as fine, and where it passes the
/// middle of a column of pixels, that column changes between outside and inside. What an outline that crosses itself holds an even number
/// of times is outside (the even-odd rule); of several polygons, the union is taken.
/// </summary>
/// <remarks>The rounding is that of rleFrPoly in github.com/cocodataset/cocoapi, common/maskApi.c.</remarks>
public static class PolygonMask
{
    private const int Scale = 5;
    private const double Farthest = 1e6; // as of boxes: no image is as large
    private const long LongestOutline = 1L << 26;

    /// <summary>Why a polygon can't be filled; null where it can.</summary>
    /// <param name="points">x1, y1, x2, y2, … in pixels, pixel corners at integers.</param>
    public static string? Fault(IReadOnlyList<double> points)
    {
        if (points.Count % 2 == 1)
            return string.Create(CultureInfo.InvariantCulture, $"a polygon has an odd number of coordinates ({points.Count})");
        if (points.Count < 6)
            return string.Create(CultureInfo.InvariantCulture, $"a polygon has {Points(points.Count / 2)}; three make an area");
        var length = 0.0;
        for (var i = 0; i < points.Count; i++)
        {
            if (!(Math.Abs(points[i]) <= Farthest))
                return "a polygon has a coordinate that is no number or beyond all images";
            length += Math.Abs(points[i] - points[(i + 2) % points.Count]);
        }
        return Scale * length > LongestOutline ? "a polygon's outline is too long to be drawn" : null;
    }

    /// <summary>The union of polygons.</summary>
    /// <param name="polygons">Each x1, y1, x2, y2, … in pixels; <see cref="Fault"/> is null for every one.</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <exception cref="ArgumentException">A polygon has a fault.</exception>
    public static RunLengthMask Of(IReadOnlyList<IReadOnlyList<double>> polygons, int height, int width)
    {
        var masks = new RunLengthMask[polygons.Count];
        for (var i = 0; i < masks.Length; i++)
            masks[i] = Filled(polygons[i], height, width);
        return masks.Length switch
        {
            0 => new RunLengthMask(height, width, [height * width]),
            1 => masks[0],
            _ => MaskOverlap.Union(masks),
        };
    }

    private static RunLengthMask Filled(IReadOnlyList<double> points, int height, int width)
    {
        if (Fault(points) is { } fault)
            throw new ArgumentException(fault, nameof(points));
        var count = points.Count / 2;
        var (changes, last) = (new List<int>(), ((int X, int Y)?)null);
        for (var i = 0; i < count; i++)
        {
            var next = (i + 1) % count;
            var (from, to) = ((Fine(points[2 * i]), Fine(points[2 * i + 1])), (Fine(points[2 * next]), Fine(points[2 * next + 1])));
            Draw(from, to, height, width, ref last, changes);
        }
        return new RunLengthMask(height, width, Runs(changes, height * width));
    }

    private static int Fine(double coordinate) => (int)(Scale * coordinate + 0.5); // towards 0, below it too

    /// <summary>Goes along an edge step by step; the points do not depend on its direction.</summary>
    private static void Draw((int X, int Y) from, (int X, int Y) to, int height, int width, ref (int X, int Y)? last, List<int> changes)
    {
        var (across, down) = (Math.Abs(to.X - from.X), Math.Abs(to.Y - from.Y));
        var (flat, steps) = (across >= down, Math.Max(across, down));
        var backwards = flat ? from.X > to.X : from.Y > to.Y;
        var (low, high) = backwards ? (to, from) : (from, to);
        var slope =
            steps == 0 ? 0
            : flat ? (double)(high.Y - low.Y) / across
            : (double)(high.X - low.X) / down;
        for (var step = 0; step <= steps; step++)
        {
            var t = backwards ? steps - step : step;
            var point = flat ? (low.X + t, (int)(low.Y + slope * t + 0.5)) : ((int)(low.X + slope * t + 0.5), low.Y + t);
            if (last is { } before && before.X != point.Item1)
                Cross(before, point, height, width, changes);
            last = point;
        }
    }

    /// <summary>Between two neighbours on the fine grid: notes the first pixel below, where a column's middle lies between them.</summary>
    private static void Cross((int X, int Y) before, (int X, int Y) point, int height, int width, List<int> changes)
    {
        var x = ((point.X < before.X ? point.X : point.X - 1) + 0.5) / Scale - 0.5;
        if (Math.Floor(x) != x || x < 0 || x > width - 1)
            return;
        var y = Math.Ceiling(Math.Clamp((Math.Min(before.Y, point.Y) + 0.5) / Scale - 0.5, 0, height));
        changes.Add((int)x * height + (int)y);
    }

    /// <summary>Lengths between changes, of which two at one place undo each other.</summary>
    private static List<int> Runs(List<int> changes, int pixels)
    {
        changes.Sort();
        var kept = new List<int>(changes.Count + 1);
        foreach (var change in changes)
            if (kept.Count > 0 && kept[^1] == change)
                kept.RemoveAt(kept.Count - 1);
            else
                kept.Add(change);
        var (runs, start) = (new List<int>(kept.Count + 1), 0);
        foreach (var change in kept)
        {
            runs.Add(change - start);
            start = change;
        }
        if (pixels > start)
            runs.Add(pixels - start);
        return runs;
    }

    private static string Points(int count) =>
        count switch
        {
            0 => "no point",
            1 => "one point",
            _ => string.Create(CultureInfo.InvariantCulture, $"{count} points"),
        };
}
