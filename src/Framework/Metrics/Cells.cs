using System.Globalization;

namespace Tessera.Framework.Metrics;

/// <summary>Numbers as the cells of a metric's tables.</summary>
internal static class Cells
{
    /// <summary>Four decimals; in words where there is no value.</summary>
    /// <param name="absent">The truth has none of the class.</param>
    public static string Value(double value, bool absent = false) =>
        !double.IsNaN(value) ? value.ToString("0.0000", CultureInfo.InvariantCulture)
        : absent ? "absent"
        : "undefined";

    /// <summary>A fraction in percent, two decimals, without the sign.</summary>
    public static string Percent(double fraction) => (100 * fraction).ToString("0.00", CultureInfo.InvariantCulture);

    public static string Count(long count) => count.ToString(CultureInfo.InvariantCulture);
}
