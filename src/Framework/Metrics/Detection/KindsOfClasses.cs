using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>Classes in a hierarchy: an object of a class is one of each class above it, too.</summary>
/// <param name="ancestors">Of each class those above it; null: there are none.</param>
internal sealed class KindsOfClasses(IReadOnlyList<IReadOnlyList<int>>? ancestors)
{
    /// <summary>Every object once more for each class above its own, behind the others.</summary>
    public BoxAnnotation WithAncestors(BoxAnnotation truth)
    {
        if (ancestors is null)
            return truth;
        var (indices, labels) = (Enumerable.Range(0, truth.Count).ToList(), truth.Labels.ToList());
        for (var g = 0; g < truth.Count; g++)
            foreach (var above in ancestors[truth.Labels[g]])
            {
                indices.Add(g);
                labels.Add(above);
            }
        return labels.Count == truth.Count ? truth : truth.Chosen(indices) with { Labels = [.. labels] };
    }

    /// <summary>Detections of the classes that are judged in an image; and each once more for every judged class above its own, behind the
    /// others.</summary>
    /// <param name="judged">Those that have objects in the image, or were looked for.</param>
    /// <param name="all">Also keep detections of classes that aren't judged.</param>
    /// <returns>Which detection each is, and its class.</returns>
    public (int[] Indices, int[] Labels) Judged(int[] found, IReadOnlySet<int> judged, bool all)
    {
        var (indices, labels) = (new List<int>(found.Length), new List<int>(found.Length));
        for (var d = 0; d < found.Length; d++)
            if (all || judged.Contains(found[d]))
            {
                indices.Add(d);
                labels.Add(found[d]);
            }
        for (var d = 0; d < found.Length && ancestors is not null; d++)
            foreach (var above in ancestors[found[d]])
                if (judged.Contains(above))
                {
                    indices.Add(d);
                    labels.Add(above);
                }
        return ([.. indices], [.. labels]);
    }
}
