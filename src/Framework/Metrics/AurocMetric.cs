using Tessera.Framework.Components;

namespace Tessera.Framework.Metrics;

/// <param name="PerClass">Also give the value of every class ("auroc/class/cat").</param>
public sealed record AurocOptions(bool PerClass = false);

/// <summary>
/// Area under the ROC curve: "auroc", the mean over classes, each against the rest, and "auroc/micro" for multi-label
/// data; for two exclusive classes that of the second. As scikit-learn's roc_auc_score (macro, ovr). A class that every
/// sample has, or none, is left out of the mean.
/// </summary>
/// <remarks>Computed as the Mann-Whitney statistic: the chance that a sample with the class scores above one without, ties counting
/// half.</remarks>
[Component("Auroc")]
public sealed class AurocMetric(AurocOptions options) : RankingMetric
{
    protected override string Key => "auroc";

    protected override bool PerClass => options.PerClass;

    protected override double Value(ReadOnlySpan<float> scores, ReadOnlySpan<bool> present)
    {
        long positives = present.Count(true),
            negatives = present.Length - positives;
        if (positives == 0 || negatives == 0)
            return double.NaN;
        long positivesAbove = 0;
        var pairs = 0.0; // pairs in the right order
        for (var start = 0; start < scores.Length; )
        {
            var end = start;
            long with = 0;
            for (; end < scores.Length && scores[end] == scores[start]; end++)
                if (present[end])
                    with++;
            if (end == start)
                return double.NaN; // a NaN score ranks nowhere
            pairs += (end - start - with) * (positivesAbove + with / 2.0);
            positivesAbove += with;
            start = end;
        }
        return pairs / ((double)positives * negatives);
    }
}
