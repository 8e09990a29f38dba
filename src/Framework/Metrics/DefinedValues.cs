namespace Tessera.Framework.Metrics;

/// <summary>Values of which some may be undefined (NaN).</summary>
internal static class DefinedValues
{
    /// <summary>The mean of those that are defined; NaN where none is.</summary>
    public static double MeanOfDefined(this IEnumerable<double> values) =>
        values.Where(value => !double.IsNaN(value)).DefaultIfEmpty(double.NaN).Average();
}
