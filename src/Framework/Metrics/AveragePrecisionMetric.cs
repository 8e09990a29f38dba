using Tessera.Framework.Components;

namespace Tessera.Framework.Metrics;

/// <param name="PerClass">Also give the value of every class ("mAP/class/cat").</param>
public sealed record AveragePrecisionOptions(bool PerClass = false);

/// <summary>
/// Mean average precision over classes: "mAP", and "mAP/micro" for multi-label data. AP is the sum over thresholds of
/// the gain in recall times the precision, without interpolation, as scikit-learn's average_precision_score has it.
/// A class that no sample has is left out of the mean (scikit-learn counts it as 0).
/// </summary>
[Component("AveragePrecision")]
public sealed class AveragePrecisionMetric(AveragePrecisionOptions options) : RankingMetric
{
    protected override string Key => "mAP";

    protected override bool PerClass => options.PerClass;

    protected override double Value(ReadOnlySpan<float> scores, ReadOnlySpan<bool> present)
    {
        var positives = present.Count(true);
        if (positives == 0) return double.NaN;
        var (sum, found, foundBefore) = (0.0, 0, 0);
        for (var i = 0; i < scores.Length; i++)
        {
            if (present[i]) found++;
            if (i + 1 < scores.Length && scores[i + 1] == scores[i]) continue; // equal scores share a threshold
            sum += (double)(found - foundBefore) / positives * found / (i + 1);
            foundBefore = found;
        }
        return sum;
    }
}
