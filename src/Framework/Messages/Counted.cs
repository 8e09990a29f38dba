using System.Globalization;

namespace Tessera.Framework.Messages;

/// <summary>A number with its noun, for messages.</summary>
public static class Counted
{
    /// <summary>"1 class", "1,234 classes".</summary>
    /// <param name="many">The plural; with an "s" where it isn't given.</param>
    public static string Of(long count, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:#,0} {(count == 1 ? one : many ?? one + "s")}");
}
