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
    protected override void Apply(Candidates candidates, ReadOnlySpan<int> group, List<(float Score, int Index)> kept)
    {
        var room = group.Length + Vector<float>.Count;
        var (boxes, areas, count) = (BoxArray.WithRoom(room), new float[room], 0);
        foreach (var index in group)
        {
            var box = candidates.Corners.AsSpan(index * 4, 4);
            var area = (box[2] - box[0]) * (box[3] - box[1]);
            if (IsCovered(new BoxLanes(box[0], box[1], box[2], box[3]), area, boxes, areas, count))
                continue;
            (boxes.X1[count], boxes.Y1[count], boxes.X2[count], boxes.Y2[count], areas[count]) = (box[0], box[1], box[2], box[3], area);
            count++;
            kept.Add((candidates.Scores[index], index));
        }
    }

    // Lanes past `count` hold zeros: boxes without area. At the end of the array there is room for a whole vector.
    private bool IsCovered(in BoxLanes box, float area, BoxArray boxes, float[] areas, int count)
    {
        var (threshold, own) = (new Vector<float>((float)options.IouThreshold), new Vector<float>(area));
        for (var i = 0; i < count; i += Vector<float>.Count)
        {
            var shared = box.Shared(boxes, i);
            if (Vector.EqualsAll(shared, Vector<float>.Zero))
                continue;
            // 0 / 0 of two boxes without area is no number, and greater than nothing.
            if (Vector.GreaterThanAny(shared / (own + new Vector<float>(areas, i) - shared), threshold))
                return true;
        }
        return false;
    }
}
