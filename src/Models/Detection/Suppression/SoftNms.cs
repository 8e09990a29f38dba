namespace Tessera.Models.Detection.Suppression;

/// <summary>How an overlap lowers a score.</summary>
public enum SoftNmsMethod
{
    /// <summary>By 1 - IoU, above the threshold.</summary>
    Linear,

    /// <summary>By exp(-IoU² / sigma), at any overlap.</summary>
    Gaussian,
}

/// <param name="IouThreshold">With linear: overlaps from here on lower the score.</param>
/// <param name="Method">linear: by 1 - IoU; gaussian: by exp(-IoU² / sigma).</param>
/// <param name="Sigma">With gaussian: how wide.</param>
/// <param name="MinScore">A box whose score falls below is dropped.</param>
public sealed record SoftNmsOptions(
    [property: Range(0, 1)] double IouThreshold = 0.3,
    SoftNmsMethod Method = SoftNmsMethod.Linear,
    [property: Range(1e-3, 100)] double Sigma = 0.5,
    [property: Range(0, 1)] double MinScore = 0.001
);

/// <summary>Lowers the score of every box that overlaps a better one of its class, instead of dropping it.</summary>
/// <remarks>Bodla et al., "Soft-NMS", 2017, arXiv:1704.04503.</remarks>
[Component("SoftNms")]
public sealed class SoftNms(SoftNmsOptions options) : SuppressionMethod
{
    protected override void Apply(Candidates candidates, ReadOnlySpan<int> group, List<(float Score, int Index)> kept)
    {
        var boxes = BoxArray.WithRoom(group.Length);
        var scores = new float[group.Length];
        for (var i = 0; i < scores.Length; i++)
        {
            var box = candidates.Corners.AsSpan(group[i] * 4, 4);
            (boxes.X1[i], boxes.Y1[i], boxes.X2[i], boxes.Y2[i], scores[i]) = (box[0], box[1], box[2], box[3], candidates.Scores[group[i]]);
        }
        var overlaps = new float[group.Length];
        while (true)
        {
            var best = Best(scores);
            if (best < 0 || scores[best] < options.MinScore)
                return;
            kept.Add((scores[best], group[best]));
            scores[best] = float.NaN; // out: NaN is less than nothing and stays NaN
            boxes.Overlaps(boxes, best, overlaps);
            for (var i = 0; i < scores.Length; i++)
                scores[i] *= Factor(overlaps[i]);
        }
    }

    private float Factor(float overlap) =>
        options.Method == SoftNmsMethod.Linear
            ? overlap >= options.IouThreshold
                ? 1 - overlap
                : 1
            : MathF.Exp(-overlap * overlap / (float)options.Sigma);

    /// <summary>Of equal scores the first; -1 where none is left.</summary>
    private static int Best(float[] scores)
    {
        var best = -1;
        for (var i = 0; i < scores.Length; i++)
            if (scores[i] >= 0 && (best < 0 || scores[i] > scores[best]))
                best = i;
        return best;
    }
}
