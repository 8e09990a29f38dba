namespace Tessera.Framework.Metrics.Statistics;

/// <summary>Several comparisons at once: p values raised so that the chance of a single wrong "differs" among all stays at the level of
/// one.</summary>
/// <remarks>Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 1979.</remarks>
public static class Holm
{
    /// <param name="values">P values; one that is NaN stays so, and counts as a comparison.</param>
    /// <returns>In the same order; none smaller than it was.</returns>
    public static double[] Adjust(IReadOnlyList<double> values)
    {
        var adjusted = values.ToArray();
        var (largest, left) = (0.0, values.Count);
        foreach (var i in Enumerable.Range(0, values.Count).Where(i => !double.IsNaN(values[i])).OrderBy(i => values[i]))
        {
            largest = Math.Max(largest, Math.Min(1, left-- * values[i]));
            adjusted[i] = largest;
        }
        return adjusted;
    }
}
