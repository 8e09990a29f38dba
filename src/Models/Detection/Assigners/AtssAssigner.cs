using Tessera.Models.Detection.Anchors;

namespace Tessera.Models.Detection.Assigners;

/// <param name="Topk">Anchors of each map, nearest to a box's centre, that are its candidates.</param>
public sealed record AtssAssignerOptions([property: Range(1, 1000)] int Topk = 9);

/// <summary>A threshold of its own for every box: mean plus deviation of its candidates' overlaps.</summary>
/// <remarks>
/// Zhang et al., "Bridging the Gap Between Anchor-based and Anchor-free Detection via Adaptive Training Sample Selection",
/// 2020, arXiv:1912.02424. An anchor that several boxes claim goes to the one it overlaps most.
/// </remarks>
[Component("AtssAssigner")]
public sealed class AtssAssigner(AtssAssignerOptions options) : Assigner
{
    private const float Inside = 0.01f; // pixels that an anchor's centre must lie inside its box

    protected override void Assign(AnchorGrid anchors, BoxArray boxes, int[] assigned)
    {
        var (row, best) = (new float[anchors.Count], new float[anchors.Count]);
        var (centersX, centersY) = anchors.Boxes.Centers();
        var candidates = new List<int>();
        for (var box = 0; box < boxes.Count; box++)
        {
            anchors.Boxes.Overlaps(boxes, box, row);
            candidates.Clear();
            var (x, y) = ((boxes.X1[box] + boxes.X2[box]) / 2, (boxes.Y1[box] + boxes.Y2[box]) / 2);
            foreach (var level in anchors.Levels)
                AddNearest(level, centersX, centersY, x, y, assigned, candidates);
            if (candidates.Count == 0)
                continue;
            var threshold = Threshold(candidates, row);
            foreach (var anchor in candidates)
            {
                if (row[anchor] < threshold || row[anchor] <= best[anchor])
                    continue;
                var within = MathF.Min(
                    MathF.Min(centersX[anchor] - boxes.X1[box], centersY[anchor] - boxes.Y1[box]),
                    MathF.Min(boxes.X2[box] - centersX[anchor], boxes.Y2[box] - centersY[anchor])
                );
                if (within > Inside)
                    (best[anchor], assigned[anchor]) = (row[anchor], box);
            }
        }
    }

    /// <summary>The nearest anchors of a map; of equally near ones the first.</summary>
    private void AddNearest(AnchorLevel level, float[] centersX, float[] centersY, float x, float y, int[] assigned, List<int> candidates)
    {
        // the farthest leaves first
        var nearest = new PriorityQueue<int, (float Distance, int Index)>(Comparer<(float, int)>.Create((a, b) => b.CompareTo(a)));
        for (var i = level.Start; i < level.Start + level.Count; i++)
        {
            if (assigned[i] == Ignored)
                continue;
            var (dx, dy) = (centersX[i] - x, centersY[i] - y);
            var place = (dx * dx + dy * dy, i);
            if (nearest.Count < options.Topk)
                nearest.Enqueue(i, place);
            else if (nearest.TryPeek(out _, out var farthest) && place.CompareTo(farthest) < 0)
                nearest.EnqueueDequeue(i, place);
        }
        while (nearest.TryDequeue(out var anchor, out _))
            candidates.Add(anchor);
    }

    /// <summary>Mean plus standard deviation (of a sample) of the candidates' overlaps.</summary>
    private static double Threshold(List<int> candidates, float[] overlaps)
    {
        var mean = candidates.Average(anchor => (double)overlaps[anchor]);
        var squares = candidates.Sum(anchor => (overlaps[anchor] - mean) * (overlaps[anchor] - mean));
        return mean + Math.Sqrt(squares / Math.Max(1, candidates.Count - 1));
    }
}
