using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;

namespace Tessera.Tools.Masks;

/// <summary>Colours that compression with losses makes where two meet.</summary>
internal static class CompressedMasks
{
    private const double Share = 0.001; // of all pixels
    private const int Named = 4;

    /// <summary>What may not be meant; null where nothing is odd.</summary>
    /// <param name="names">The masks, as a person finds them.</param>
    /// <param name="groups">The classes that are made of their colours.</param>
    public static string? Warning(IReadOnlyList<string> names, IReadOnlyList<(int Color, long Pixels)> groups, int tolerance)
    {
        var compressed = names.Where(name => Path.GetExtension(name).ToLowerInvariant() is ".jpg" or ".jpeg" or ".webp").ToArray();
        if (compressed.Length == 0)
            return null;
        if (tolerance == 0)
            return $"{Counted.Of(compressed.Length, "mask")} may have been compressed with losses, which makes new colours where two meet; "
                + $"the first is {compressed[0]}. Each of the {groups.Count} colours has become a class: --tolerance 20 takes those that "
                + "are near each other for one.";
        var all = groups.Sum(group => group.Pixels);
        var rare = groups.Where(group => group.Pixels < Share * all).ToArray();
        if (rare.Length == 0)
            return null;
        var named = rare.Take(Named).Select(group => $"{Rgb.FromValue(group.Color)} ({Counted.Of(group.Pixels, "pixel")})");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Counted.Of(rare.Length, "class", "classes")} of {groups.Count} {(rare.Length == 1 ? "has" : "have")} less than "
                + $"{100 * Share:0.#} % of all pixels: {string.Join(", ", named)}{(rare.Length > Named ? ", …" : "")}. Compression with "
                + $"losses ({compressed[0]}) leaves such colours where two meet, and others with them. A --legend that names the colours "
                + $"that are meant, with --tolerance 255, takes every pixel for the nearest of them."
        );
    }
}
