using Tessera.Framework.Data;

namespace Tessera.Tools.Masks;

/// <summary>Finds the colour of a legend that a mask's colour is, or is near to.</summary>
/// <param name="colors">0xRRGGBB.</param>
/// <param name="tolerance">How far each channel may be off.</param>
internal sealed class ColorMatch(IReadOnlyList<int> colors, int tolerance)
{
    private readonly Dictionary<int, int> _exact = colors.Select((color, i) => (color, i)).ToDictionary(pair => pair.color, pair => pair.i);

    /// <returns>The position in the legend; -1 where no colour is near enough.</returns>
    public int Find(int color)
    {
        if (_exact.TryGetValue(color, out var index))
            return index;
        if (tolerance == 0)
            return -1;
        var (nearest, least) = (-1, int.MaxValue);
        for (var i = 0; i < colors.Count; i++)
        {
            var (a, b) = (Rgb.FromValue(color), Rgb.FromValue(colors[i]));
            var (red, green, blue) = (Math.Abs(a.Red - b.Red), Math.Abs(a.Green - b.Green), Math.Abs(a.Blue - b.Blue));
            var distance = red * red + green * green + blue * blue;
            if (Math.Max(red, Math.Max(green, blue)) <= tolerance && distance < least)
                (nearest, least) = (i, distance);
        }
        return nearest;
    }

    /// <summary>The colours of masks, most frequent first; one within the tolerance of a more frequent one counts as that.</summary>
    /// <param name="most">Stop when there are more than this.</param>
    public static List<(int Color, long Pixels)> Group(IEnumerable<KeyValuePair<int, long>> histogram, int tolerance, int most)
    {
        var groups = new List<(int Color, long Pixels)>();
        var match = new ColorMatch([], tolerance);
        foreach (var (color, pixels) in histogram.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key))
        {
            var at = match.Find(color);
            if (at >= 0)
            {
                groups[at] = (groups[at].Color, groups[at].Pixels + pixels);
                continue;
            }
            groups.Add((color, pixels));
            if (groups.Count > most)
                break;
            match = new ColorMatch([.. groups.Select(group => group.Color)], tolerance);
        }
        return groups;
    }
}
