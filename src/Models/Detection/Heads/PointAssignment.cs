using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;

namespace Tessera.Models.Detection.Heads;

/// <summary>Which place of which map is to find which box: those inside it, near its centre, on the map of its size.</summary>
/// <remarks>Tian et al., "FCOS", 2019, arXiv:1904.01355; centre sampling: the authors' later version, arXiv:2006.09214.</remarks>
/// <param name="ranges">For each map, the least and the largest distance from a place to the box's farthest side, in pixels.</param>
/// <param name="strides">Stride of each map.</param>
/// <param name="radius">How far from a box's centre, in strides, a place may lie; null: anywhere inside.</param>
internal sealed class PointAssignment(IReadOnlyList<(float Low, float High)> ranges, IReadOnlyList<int> strides, double? radius)
{
    /// <param name="places">One anchor for each place, around it.</param>
    public int[] Assign(AnchorGrid places, TruthBoxes truth)
    {
        var assigned = new int[places.Count];
        Array.Fill(assigned, Assigner.Background);
        var smallest = new float[places.Count];
        Array.Fill(smallest, float.PositiveInfinity);
        for (var level = 0; level < places.Levels.Count; level++)
        {
            var columns = Line(places, places.Levels[level], vertical: false);
            var rows = Line(places, places.Levels[level], vertical: true);
            for (var box = 0; box < truth.Boxes.Count; box++)
                Claim(truth.Boxes, box, level, places.Levels[level], columns, rows, smallest, assigned);
            for (var box = 0; box < truth.Ignored.Count; box++)
                Ignore(truth.Ignored, box, places.Levels[level], columns, rows, assigned);
        }
        return assigned;
    }

    private void Claim(BoxArray boxes, int box, int level, AnchorLevel map, float[] columns, float[] rows, float[] smallest, int[] assigned)
    {
        var (x1, y1, x2, y2, area) = (boxes.X1[box], boxes.Y1[box], boxes.X2[box], boxes.Y2[box], boxes.Areas[box]);
        var (low, high) = ranges[level];
        var near = radius is { } strideCount ? (float)strideCount * strides[level] : float.PositiveInfinity;
        var (centerX, centerY) = ((x1 + x2) / 2, (y1 + y2) / 2);
        var (fromX, toX) = Between(columns, x1, x2);
        var (fromY, toY) = Between(rows, y1, y2);
        for (var row = fromY; row < toY; row++)
        {
            if (!(MathF.Abs(rows[row] - centerY) < near))
                continue;
            for (var column = fromX; column < toX; column++)
            {
                if (!(MathF.Abs(columns[column] - centerX) < near))
                    continue;
                var farthest = MathF.Max(MathF.Max(columns[column] - x1, x2 - columns[column]), MathF.Max(rows[row] - y1, y2 - rows[row]));
                var place = map.Start + row * map.Width + column;
                if (farthest < low || farthest > high || area >= smallest[place])
                    continue;
                (smallest[place], assigned[place]) = (area, box);
            }
        }
    }

    /// <summary>Places in an ignored box that are to find nothing are asked nothing.</summary>
    private static void Ignore(BoxArray ignored, int box, AnchorLevel map, float[] columns, float[] rows, int[] assigned)
    {
        var (fromX, toX) = Between(columns, ignored.X1[box], ignored.X2[box]);
        var (fromY, toY) = Between(rows, ignored.Y1[box], ignored.Y2[box]);
        for (var row = fromY; row < toY; row++)
        for (var column = fromX; column < toX; column++)
            if (assigned[map.Start + row * map.Width + column] is var at && at == Assigner.Background)
                assigned[map.Start + row * map.Width + column] = Assigner.Ignored;
    }

    /// <summary>The places of a row (or a column) that lie truly between two sides, as a range.</summary>
    private static (int From, int To) Between(float[] line, float low, float high)
    {
        var from = 0;
        while (from < line.Length && line[from] <= low)
            from++;
        var to = from;
        while (to < line.Length && line[to] < high)
            to++;
        return (from, to);
    }

    private static float[] Line(AnchorGrid places, AnchorLevel map, bool vertical)
    {
        var line = new float[vertical ? map.Height : map.Width];
        for (var i = 0; i < line.Length; i++)
        {
            var place = map.Start + (vertical ? i * map.Width : i);
            line[i] = vertical
                ? (places.Boxes.Y1[place] + places.Boxes.Y2[place]) / 2
                : (places.Boxes.X1[place] + places.Boxes.X2[place]) / 2;
        }
        return line;
    }
}
