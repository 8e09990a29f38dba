using Tessera.Models.Detection;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;

namespace Tessera.Tests.Models.Detection;

/// <summary>Assigners from their definitions: the whole matrix of overlaps, every place.</summary>
internal static class AssignmentDefinitions
{
    internal static (float X1, float Y1, float X2, float Y2) Box(BoxArray boxes, int i) =>
        (boxes.X1[i], boxes.Y1[i], boxes.X2[i], boxes.Y2[i]);

    internal static float Iou(BoxArray a, int i, BoxArray b, int j)
    {
        var (ax1, ay1, ax2, ay2) = Box(a, i);
        var (bx1, by1, bx2, by2) = Box(b, j);
        var shared = MathF.Max(0, MathF.Min(ax2, bx2) - MathF.Max(ax1, bx1)) * MathF.Max(0, MathF.Min(ay2, by2) - MathF.Max(ay1, by1));
        return shared == 0 ? 0 : shared / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared);
    }

    internal static int[] MaxIouByMatrix(BoxArray boxes, MaxIouAssignerOptions options)
    {
        var matrix = Enumerable
            .Range(0, boxes.Count)
            .Select(box => Enumerable.Range(0, Grid.Count).Select(anchor => Iou(boxes, box, Grid.Boxes, anchor)).ToArray())
            .ToArray();
        var nearest = Enumerable
            .Range(0, Grid.Count)
            .Select(anchor => Array.IndexOf([.. matrix.Select(row => row[anchor])], matrix.Max(row => row[anchor])))
            .ToArray();
        var result = nearest
            .Select(
                (box, anchor) =>
                    matrix[box][anchor] >= (float)options.PosIouThr ? box
                    : matrix[box][anchor] < (float)options.NegIouThr ? Assigner.Background
                    : Assigner.Ignored
            )
            .ToArray();
        for (var box = 0; box < boxes.Count; box++)
        {
            var best = matrix[box].Max();
            if (best == 0 || best < options.MinPosIou)
                continue;
            foreach (
                var anchor in Enumerable
                    .Range(0, Grid.Count)
                    .Where(anchor => matrix[box][anchor] == best)
                    .Take(options.GtMaxAssignAll ? int.MaxValue : 1)
            )
                result[anchor] = options.LowQualityTo == LowQuality.Box ? box : nearest[anchor];
        }
        return result;
    }

    internal static int[] AtssByDefinition(BoxArray boxes, int topk)
    {
        var claims = new List<(int Anchor, int Box, float Iou)>();
        for (var box = 0; box < boxes.Count; box++)
        {
            var (x1, y1, x2, y2) = Box(boxes, box);
            (float X, float Y) Center(int anchor) =>
                ((Grid.Boxes.X1[anchor] + Grid.Boxes.X2[anchor]) / 2, (Grid.Boxes.Y1[anchor] + Grid.Boxes.Y2[anchor]) / 2);
            float Distance(int anchor) =>
                (Center(anchor).X - (x1 + x2) / 2) * (Center(anchor).X - (x1 + x2) / 2)
                + (Center(anchor).Y - (y1 + y2) / 2) * (Center(anchor).Y - (y1 + y2) / 2);
            var candidates = Grid
                .Levels.SelectMany(level => Enumerable.Range(level.Start, level.Count).OrderBy(Distance).Take(topk))
                .ToArray();
            var overlaps = candidates.Select(anchor => (double)Iou(boxes, box, Grid.Boxes, anchor)).ToArray();
            var threshold = overlaps.Average() + Math.Sqrt(overlaps.Sum(o => Math.Pow(o - overlaps.Average(), 2)) / (overlaps.Length - 1));
            foreach (var (anchor, overlap) in candidates.Zip(overlaps))
            {
                var (x, y) = Center(anchor);
                if (overlap >= threshold && overlap > 0 && Math.Min(Math.Min(x - x1, y - y1), Math.Min(x2 - x, y2 - y)) > 0.01)
                    claims.Add((anchor, box, (float)overlap));
            }
        }
        var result = Enumerable.Repeat(Assigner.Background, Grid.Count).ToArray();
        foreach (var claim in claims.GroupBy(claim => claim.Anchor))
            result[claim.Key] = claim.OrderByDescending(c => c.Iou).ThenBy(c => c.Box).First().Box;
        return result;
    }

    internal static int[] PointsByDefinition(
        AnchorGrid places,
        BoxArray boxes,
        (float Low, float High)[] ranges,
        int[] strides,
        double? radius
    )
    {
        var result = Enumerable.Repeat(Assigner.Background, places.Count).ToArray();
        for (var level = 0; level < ranges.Length; level++)
        {
            for (var place = places.Levels[level].Start; place < places.Levels[level].Start + places.Levels[level].Count; place++)
            {
                var (x, y) = ((places.Boxes.X1[place] + places.Boxes.X2[place]) / 2, (places.Boxes.Y1[place] + places.Boxes.Y2[place]) / 2);
                var smallest = float.PositiveInfinity;
                for (var box = 0; box < boxes.Count; box++)
                {
                    var (x1, y1, x2, y2) = Box(boxes, box);
                    float[] sides = [x - x1, y - y1, x2 - x, y2 - y];
                    if (sides.Min() <= 0 || sides.Max() < ranges[level].Low || sides.Max() > ranges[level].High)
                        continue;
                    if (radius is { } r && Math.Max(Math.Abs(x - (x1 + x2) / 2), Math.Abs(y - (y1 + y2) / 2)) >= r * strides[level])
                        continue;
                    if ((x2 - x1) * (y2 - y1) < smallest)
                        (smallest, result[place]) = ((x2 - x1) * (y2 - y1), box);
                }
            }
        }
        return result;
    }

    internal static readonly AnchorGrid Grid = new AnchorGenerator(new(), new Source([8, 16, 32])).Generate(
        [(9, 7), (5, 4), (3, 2)],
        (72, 56)
    );
}
