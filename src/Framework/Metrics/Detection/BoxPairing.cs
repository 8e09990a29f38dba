using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>Detections and objects of an image, paired one to one whatever their classes.</summary>
public static class BoxPairing
{
    /// <summary>Overlaps of boxes with the objects of their class, paired one to one, the greatest overlap first. What isn't asked for has
    /// no partner.</summary>
    /// <param name="least">The least overlap of a pair.</param>
    public static IReadOnlyList<double> Overlaps(DetectionPrediction found, BoxAnnotation truth, double least)
    {
        var boxes = found.Stated?.Boxes ?? BoxGeometry.FromCorners(found.Corners);
        var pairs = new List<(double IoU, int Found, int Object)>();
        for (var d = 0; d < found.Labels.Length; d++)
        {
            for (var g = 0; g < truth.Count; g++)
            {
                if (found.Labels[d] != truth.Labels[g] || truth.Ignored[g] || truth.Crowd[g])
                    continue;
                var iou = BoxGeometry.IoU(boxes.AsSpan(4 * d, 4), truth.Boxes.AsSpan(4 * g, 4));
                if (iou >= least)
                    pairs.Add((iou, d, g));
            }
        }
        var (taken, objects, overlaps) = (new bool[found.Labels.Length], new bool[truth.Count], new List<double>());
        foreach (var (iou, d, g) in pairs.OrderByDescending(pair => pair.IoU).ThenBy(pair => pair.Found).ThenBy(pair => pair.Object))
        {
            if (taken[d] || objects[g])
                continue;
            taken[d] = objects[g] = true;
            overlaps.Add(iou);
        }
        return overlaps;
    }

    /// <summary>True and predicted class of every pair; null where there is no partner.</summary>
    /// <remarks>
    /// The greatest overlap goes first; of equal ones a pair of one class, then the higher score. A detection without a partner
    /// that lies on an object that isn't asked for counts as nothing.
    /// </remarks>
    internal static IEnumerable<(int? Truth, int? Predicted)> Of(
        double[] boxes,
        double[] scores,
        int[] labels,
        BoxAnnotation truth,
        double scoreThreshold,
        double iouThreshold
    )
    {
        var pairs = new List<(double IoU, int Found, int Object)>();
        var excused = new bool[labels.Length];
        for (var d = 0; d < labels.Length; d++)
        {
            if (scores[d] < scoreThreshold)
                continue;
            for (var g = 0; g < truth.Count; g++)
            {
                var iou = BoxGeometry.IoU(boxes.AsSpan(4 * d, 4), truth.Boxes.AsSpan(4 * g, 4), truth.Crowd[g]);
                if (iou < iouThreshold)
                    continue;
                if (truth.Ignored[g] || truth.Crowd[g])
                    excused[d] = true;
                else
                    pairs.Add((iou, d, g));
            }
        }
        pairs.Sort(
            (a, b) =>
            {
                if (a.IoU != b.IoU)
                    return b.IoU.CompareTo(a.IoU);
                var (sameA, sameB) = (labels[a.Found] == truth.Labels[a.Object], labels[b.Found] == truth.Labels[b.Object]);
                if (sameA != sameB)
                    return sameA ? -1 : 1;
                return scores[a.Found] != scores[b.Found]
                    ? scores[b.Found].CompareTo(scores[a.Found])
                    : (a.Found, a.Object).CompareTo((b.Found, b.Object));
            }
        );
        var (found, objects) = (new bool[labels.Length], new bool[truth.Count]);
        foreach (var (_, d, g) in pairs)
        {
            if (found[d] || objects[g])
                continue;
            found[d] = objects[g] = true;
            yield return (truth.Labels[g], labels[d]);
        }
        for (var g = 0; g < truth.Count; g++)
            if (!objects[g] && !truth.Ignored[g] && !truth.Crowd[g])
                yield return (truth.Labels[g], null);
        for (var d = 0; d < labels.Length; d++)
            if (!found[d] && !excused[d] && scores[d] >= scoreThreshold)
                yield return (null, labels[d]);
    }
}
