using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Tools.Masks;

/// <summary>Colours that a tolerance takes together though each is frequent, so that they may be classes of their own.</summary>
internal static class FrequentColors
{
    private const double Share = 0.001; // of all pixels
    private const int Named = 4;

    /// <summary>Names them, and a tolerance that keeps all apart; null where there are none.</summary>
    /// <param name="histogram">Pixels by colour.</param>
    /// <param name="groups">What <see cref="ColorMatch.Group"/> made of them.</param>
    public static string? Joined(IReadOnlyDictionary<int, long> histogram, IReadOnlyList<(int Color, long Pixels)> groups, int tolerance)
    {
        var least = Math.Max(1, (long)(Share * histogram.Values.Sum()));
        var frequent = histogram.Where(entry => entry.Value >= least).OrderByDescending(entry => entry.Value).ToArray();
        var match = new ColorMatch([.. groups.Select(group => group.Color)], tolerance);
        var joined = frequent
            .Select(entry => (Entry: entry, Group: match.Find(entry.Key)))
            .Where(found => found.Group >= 0 && groups[found.Group].Color != found.Entry.Key)
            .ToArray();
        if (joined.Length == 0)
            return null;
        var named = joined.Take(Named).Select(found => $"{Shown(found.Entry.Key)} is taken for {Shown(groups[found.Group].Color)}");
        return $"--tolerance {tolerance} takes colours together that are each frequent: {string.Join(", ", named)}"
            + $"{(joined.Length > Named ? ", …" : "")}. If they are classes of their own, --tolerance {Closest(frequent) - 1} keeps them "
            + "apart, and so does a --legend that names each.";

        string Shown(int color) => string.Create(CultureInfo.InvariantCulture, $"{Rgb.FromValue(color)} ({histogram[color]:N0} pixels)");
    }

    /// <summary>The least tolerance that takes two of the colours together.</summary>
    private static int Closest(KeyValuePair<int, long>[] colors)
    {
        var least = int.MaxValue;
        for (var i = 0; i < colors.Length; i++)
        for (var other = 0; other < i; other++)
        {
            var (a, b) = (Rgb.FromValue(colors[i].Key), Rgb.FromValue(colors[other].Key));
            var (red, green, blue) = (Math.Abs(a.Red - b.Red), Math.Abs(a.Green - b.Green), Math.Abs(a.Blue - b.Blue));
            least = Math.Min(least, Math.Max(red, Math.Max(green, blue)));
        }
        return least;
    }
}
