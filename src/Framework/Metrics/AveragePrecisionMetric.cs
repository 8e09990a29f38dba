using Tessera.Framework.Components;

namespace Tessera.Framework.Metrics;

/// <param name="PerClass">Also give the value of every class ("mAP/class/cat").</param>
public sealed record AveragePrecisionOptions(bool PerClass = false);

/// <summary>
/// Mean average precision over classes: "mAP". For multi-label data also "mAP/micro", over all pairs of sample and class, and
/// "per_image_AP", the mean over images of how well each one's classes are ranked. AP is the sum over thresholds of the gain in recall
/// times the precision, without interpolation, as scikit-learn's average_precision_score (macro, micro, samples) has it. A class that no
/// sample has, and a sample without a class, are left out of the means (scikit-learn counts them as 0).
/// </summary>
/// <remarks>
/// Some repositories (MCTformer and others after it) call the second mAP. It asks less: a class's scores are never compared between images,
/// and with one class an image it is 1 as soon as that class comes first, however wrong the score is for the images that lack it.
/// </remarks>
[Component("AveragePrecision")]
public sealed class AveragePrecisionMetric(AveragePrecisionOptions options) : RankingMetric
{
    protected override string Key => "mAP";

    protected override bool PerClass => options.PerClass;

    private protected override IEnumerable<(string Name, double Value)> Further(
        IReadOnlyList<float> scores,
        IReadOnlyList<bool> present,
        int classes
    )
    {
        if (!MultiLabel)
            yield break;
        var (sum, count) = (0.0, 0);
        for (var start = 0; start < scores.Count; start += classes)
        {
            var (ofSample, with) = (new float[classes], new bool[classes]);
            for (var c = 0; c < classes; c++)
                (ofSample[c], with[c]) = (scores[start + c], present[start + c]);
            if (!with.Contains(true))
                continue;
            sum += Sorted(ofSample, with);
            count++;
        }
        yield return ("per_image_AP", count == 0 ? double.NaN : sum / count);
    }

    protected override double Value(ReadOnlySpan<float> scores, ReadOnlySpan<bool> present)
    {
        var positives = present.Count(true);
        if (positives == 0)
            return double.NaN;
        var (sum, found, foundBefore) = (0.0, 0, 0);
        for (var i = 0; i < scores.Length; i++)
        {
            if (present[i])
                found++;
            if (i + 1 < scores.Length && scores[i + 1] == scores[i])
                continue; // equal scores share a threshold
            sum += (double)(found - foundBefore) / positives * found / (i + 1);
            foundBefore = found;
        }
        return sum;
    }
}
