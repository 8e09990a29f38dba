using System.Numerics;

namespace Tessera.Models.Detection.Suppression;

/// <param name="IouThreshold">A box that overlaps a better one of its class by more than this is dropped.</param>
public sealed record NmsOptions([property: Range(0, 1)] double IouThreshold = 0.5);

/// <summary>Drops every box that overlaps a better one of its class too much.</summary>
/// <remarks>
/// Greedy, from the best score down, each box held against those kept so far, a vector of them at a time. The quotient is
/// taken, not multiplied out, so that boxes right at the threshold fall as in the plain form.
/// </remarks>
[Component("Nms")]
public sealed class Nms(NmsOptions options) : SuppressionMethod
{
    /// <summary>A box that overlaps a better one of its class by more than this is dropped.</summary>
    public double IouThreshold => options.IouThreshold;

    protected override void Apply(Candidates candidates, ReadOnlySpan<int> group, List<(float Score, int Index)> kept)
    {
        var room = group.Length + Vector<float>.Count;
        var (x1, y1, x2, y2, areas) = (new float[room], new float[room], new float[room], new float[room], new float[room]);
        var count = 0;
        foreach (var index in group)
        {
            var box = candidates.Corners.AsSpan(index * 4, 4);
            var area = (box[2] - box[0]) * (box[3] - box[1]);
            if (IsCovered(box, area, x1, y1, x2, y2, areas, count))
                continue;
            (x1[count], y1[count], x2[count], y2[count], areas[count]) = (box[0], box[1], box[2], box[3], area);
            count++;
            kept.Add((candidates.Scores[index], index));
        }
    }

    // The overlap of BoxArray once more, over arrays of its own and ended at the first hit: through BoxArray it took a quarter more time.
    // Lanes past `count` hold zeros: boxes without area. At the end of the array there is room for a whole vector.
    private bool IsCovered(ReadOnlySpan<float> box, float area, float[] x1, float[] y1, float[] x2, float[] y2, float[] areas, int count)
    {
        var threshold = new Vector<float>((float)options.IouThreshold);
        var (left, top, right, bottom, own) = (
            new Vector<float>(box[0]),
            new Vector<float>(box[1]),
            new Vector<float>(box[2]),
            new Vector<float>(box[3]),
            new Vector<float>(area)
        );
        for (var i = 0; i < count; i += Vector<float>.Count)
        {
            var width = Vector.Max(
                Vector.Min(right, new Vector<float>(x2, i)) - Vector.Max(left, new Vector<float>(x1, i)),
                Vector<float>.Zero
            );
            var height = Vector.Max(
                Vector.Min(bottom, new Vector<float>(y2, i)) - Vector.Max(top, new Vector<float>(y1, i)),
                Vector<float>.Zero
            );
            var shared = width * height;
            if (Vector.EqualsAll(shared, Vector<float>.Zero))
                continue;
            // 0 / 0 of two boxes without area is no number, and greater than nothing.
            if (Vector.GreaterThanAny(shared / (own + new Vector<float>(areas, i) - shared), threshold))
                return true;
        }
        return false;
    }
}
