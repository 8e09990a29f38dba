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
        var differences = others
            .Select(other => other.Where(value => first.ContainsKey(value.Key)).Select(value => value.Value - first[value.Key]).ToArray())
            .ToArray();
        var values = differences
            .Select(pairs => pairs.Length < MeanInterval.FewestRuns ? double.NaN : PairedTTest.OfSeeds(pairs).PValue())
            .ToArray();
        var corrected = Holm.Adjust(values);
        return [.. differences.Select((pairs, i) => new SweepComparison(MeanInterval.Of(pairs), values[i], corrected[i]))];
    }
}
