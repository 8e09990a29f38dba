using System.Globalization;

namespace Tessera.Tools.Output;

/// <summary>A number with its noun.</summary>
internal static class Counted
{
    /// <param name="many">The plural; with an "s" where it isn't given.</param>
    public static string Of(long count, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:#,0} {(count == 1 ? one : many ?? one + "s")}");
}
