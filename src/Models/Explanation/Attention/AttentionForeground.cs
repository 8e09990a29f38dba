using System.Globalization;

namespace Tessera.Models.Explanation.Attention;

/// <summary>Cuts a map of attention into foreground and background.</summary>
public abstract class AttentionForeground
{
    private AttentionForeground() { }

    /// <summary>The cut that a text names.</summary>
    /// <param name="text">"otsu"; "mass:0.6", the fewest places that hold this share of the whole; or a value from 0 to 1 of the map scaled
    /// to that.</param>
    /// <exception cref="UserErrorException">It names none.</exception>
    public static AttentionForeground Parse(string text)
    {
        const string mass = "mass:";
        if (text == "otsu")
            return new Otsu();
        var ofMass = text.StartsWith(mass, StringComparison.Ordinal);
        if (
            !double.TryParse(ofMass ? text[mass.Length..] : text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            || !(value > 0 && value < 1)
        )
            throw AttentionErrors.BadThreshold(text);
        return ofMass ? new Mass(value) : new Value(value);
    }

    /// <summary>Whether it counts places of the network's own grid, which an enlarged map has not.</summary>
    public virtual bool CountsPlaces => false;

    /// <summary>The places of the foreground; none where the map is the same everywhere.</summary>
    /// <param name="map">Finite values, not below 0.</param>
    public bool[] Of(ReadOnlySpan<float> map)
    {
        var inside = new bool[map.Length];
        var (least, greatest) = (float.PositiveInfinity, float.NegativeInfinity);
        foreach (var value in map)
            (least, greatest) = (Math.Min(least, value), Math.Max(greatest, value));
        if (!(greatest > least))
            return inside;
        var from = LeastInside(map.ToArray(), least, greatest);
        for (var i = 0; i < map.Length; i++)
            inside[i] = map[i] >= from;
        return inside;
    }

    /// <summary>The smallest value of the foreground.</summary>
    private protected abstract double LeastInside(float[] map, float least, float greatest);

    /// <summary>The cut between two values at which the means of both parts differ most, for their sizes.</summary>
    /// <remarks>Otsu, "A Threshold Selection Method from Gray-Level Histograms", 1979, equation 18, over the values themselves in place of
    /// a histogram.</remarks>
    private sealed class Otsu : AttentionForeground
    {
        private protected override double LeastInside(float[] map, float least, float greatest)
        {
            Array.Sort(map);
            var total = map.Sum(value => (double)value);
            var (below, best, from) = (0.0, double.NegativeInfinity, greatest);
            for (var i = 1; i < map.Length; i++)
            {
                below += map[i - 1];
                if (map[i] == map[i - 1])
                    continue;
                var difference = ((total - below) / (map.Length - i)) - (below / i);
                var between = (double)i * (map.Length - i) * difference * difference;
                if (between > best)
                    (best, from) = (between, map[i]);
            }
            return from;
        }
    }

    /// <summary>The fewest places that hold a share of the whole.</summary>
    /// <remarks>As the maps of Caron et al., "Emerging Properties in Self-Supervised Vision Transformers", 2021, arXiv:2104.14294, are
    /// cut. Places that are equal to the last one taken belong to it.</remarks>
    private sealed class Mass(double share) : AttentionForeground
    {
        public override bool CountsPlaces => true;

        private protected override double LeastInside(float[] map, float least, float greatest)
        {
            Array.Sort(map);
            var wanted = share * map.Sum(value => (double)value);
            var held = 0.0;
            for (var i = map.Length - 1; i >= 0; i--)
            {
                held += map[i];
                if (held >= wanted)
                    return map[i];
            }
            return least;
        }
    }

    /// <summary>All that reaches a value of the map scaled to [0, 1].</summary>
    private sealed class Value(double value) : AttentionForeground
    {
        private protected override double LeastInside(float[] map, float least, float greatest) =>
            least + (value * ((double)greatest - least));
    }
}
