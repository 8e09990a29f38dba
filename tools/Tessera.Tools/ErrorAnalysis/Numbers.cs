using System.Globalization;
using System.Text.Json.Nodes;

namespace Tessera.Tools.ErrorAnalysis;

/// <summary>Figures of an analysis, as text and as JSON.</summary>
internal static class Numbers
{
    /// <summary>A fraction as points, with a sign: +1.25.</summary>
    public static string Gain(double fraction) => (100 * fraction).ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture);

    /// <summary>A fraction in percent: 12.34; "n/a" where it is undefined.</summary>
    public static string Percent(double fraction) =>
        double.IsNaN(fraction) ? "n/a" : (100 * fraction).ToString("0.00", CultureInfo.InvariantCulture);

    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A part of a whole in percent; "n/a" of nothing.</summary>
    public static string Share(long part, long whole) => Percent(whole == 0 ? double.NaN : (double)part / whole);

    /// <summary>null where it is undefined.</summary>
    public static JsonNode? Json(double value) => double.IsFinite(value) ? value : null;

    public static JsonArray List<T>(IEnumerable<T> values, Func<T, JsonNode?> of) => new([.. values.Select(of)]);
}
