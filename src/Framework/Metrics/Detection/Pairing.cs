using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>Detections and objects of an image, paired one to one whatever their classes.</summary>
internal static class Pairing
{
    /// <summary>True and predicted class of every pair; null where there is no partner.</summary>
    /// <remarks>
    /// The greatest overlap goes first; of equal ones a pair of one class, then the higher score. A detection without a partner
    /// that lies on an object that isn't asked for counts as nothing.
    /// </remarks>
    public static IEnumerable<(int? Truth, int? Predicted)> Of(double[] boxes, double[] scores, int[] labels, BoxAnnotation truth, double scoreThreshold, double iouThreshold)
    {
        var pairs = new List<(double IoU, int Found, int Object)>();
        var excused = new bool[labels.Length];
        for (var d = 0; d < labels.Length; d++)
        {
            if (scores[d] < scoreThreshold) continue;
            for (var g = 0; g < truth.Count; g++)
            {
                var iou = Sizes.IoU(boxes.AsSpan(4 * d, 4), truth.Boxes.AsSpan(4 * g, 4), truth.Crowd[g]);
                if (iou < iouThreshold) continue;
                if (truth.Ignored[g] || truth.Crowd[g]) excused[d] = true;
                else pairs.Add((iou, d, g));
            }
        }
        pairs.Sort((a, b) =>
        {
            if (a.IoU != b.IoU) return b.IoU.CompareTo(a.IoU);
            var (sameA, sameB) = (labels[a.Found] == truth.Labels[a.Object], labels[b.Found] == truth.Labels[b.Object]);
            if (sameA != sameB) return sameA ? -1 : 1;
            return scores[a.Found] != scores[b.Found] ? scores[b.Found].CompareTo(scores[a.Found]) : (a.Found, a.Object).CompareTo((b.Found, b.Object));
        });
        var (found, objects) = (new bool[labels.Length], new bool[truth.Count]);
        foreach (var (_, d, g) in pairs)
        {
            if (found[d] || objects[g]) continue;
            found[d] = objects[g] = true;
            yield return (truth.Labels[g], labels[d]);
        }
        for (var g = 0; g < truth.Count; g++)
            if (!objects[g] && !truth.Ignored[g] && !truth.Crowd[g]) yield return (truth.Labels[g], null);
        for (var d = 0; d < labels.Length; d++)
            if (!found[d] && !excused[d] && scores[d] >= scoreThreshold) yield return (null, labels[d]);
    }
}
