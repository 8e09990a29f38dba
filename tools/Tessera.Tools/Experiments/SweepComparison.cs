using MathNet.Numerics.Distributions;
using Tessera.Framework.Metrics.Statistics;

namespace Tessera.Tools.Experiments;

/// <summary>A cell beside the first one, seed by seed.</summary>
/// <param name="Difference">Of the seeds that both were trained with: this cell less the first.</param>
/// <param name="P">Of Student's paired test, two-sided; NaN below <see cref="MeanInterval.FewestRuns"/> seeds.</param>
/// <param name="Corrected">P after Holm's correction for all cells that are compared.</param>
internal sealed record SweepComparison(MeanInterval Difference, double P, double Corrected)
{
    /// <summary>Compares each of several cells with the first, and corrects for how many there are.</summary>
    /// <param name="first">The first cell's values by seed.</param>
    /// <param name="others">The others'.</param>
    public static IReadOnlyList<SweepComparison> Of(
        IReadOnlyDictionary<long, double> first,
        IReadOnlyList<IReadOnlyDictionary<long, double>> others
    )
    {
        var compared = others
            .Select(other => MeanInterval.Of([.. other.Where(value => first.ContainsKey(value.Key)).Select(value => value.Value - first[value.Key])]))
            .Select(difference => (Difference: difference, P: PairedP(difference)))
            .ToArray();
        var corrected = Holm([.. compared.Select(entry => entry.P)]);
        return [.. compared.Select((entry, i) => new SweepComparison(entry.Difference, entry.P, corrected[i]))];
    }

    /// <summary>Differences that don't scatter at all are certain, or nothing.</summary>
    private static double PairedP(MeanInterval difference)
    {
        if (difference.Count < MeanInterval.FewestRuns || !double.IsFinite(difference.Mean))
            return double.NaN;
        if (difference.Deviation == 0)
            return difference.Mean == 0 ? 1 : 0;
        var t = difference.Mean / (difference.Deviation / Math.Sqrt(difference.Count));
        return 2 * StudentT.CDF(0, 1, difference.Count - 1, -Math.Abs(t));
    }

    /// <summary>Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979: the i-th smallest of m is multiplied by m - i, i from 0,
    /// and is at least as large as the one before. Those that are undefined are no comparisons.</summary>
    private static double[] Holm(double[] values)
    {
        var order = Enumerable.Range(0, values.Length).Where(i => !double.IsNaN(values[i])).OrderBy(i => values[i]).ToArray();
        var corrected = Enumerable.Repeat(double.NaN, values.Length).ToArray();
        var largest = 0.0;
        for (var rank = 0; rank < order.Length; rank++)
        {
            largest = Math.Max(largest, Math.Min(1, values[order[rank]] * (order.Length - rank)));
            corrected[order[rank]] = largest;
        }
        return corrected;
    }
}
