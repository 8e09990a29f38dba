namespace Tessera.Models.Explanation.Faithfulness;

/// <summary>How much of a map lies where the object is.</summary>
public static class PointingGame
{
    /// <summary>The share of the map's sum that lies within the truth.</summary>
    /// <param name="map">Not negative.</param>
    /// <param name="truth">Of the same pixels.</param>
    /// <returns>In [0, 1]. A map that is 0 everywhere says nothing of the place: the truth's share of the area, as for a map that is the
    /// same everywhere.</returns>
    /// <remarks>Wang et al., "Score-CAM", 2020, arXiv:1910.01279, section 4.3 ("energy-based pointing game"; they use boxes).</remarks>
    public static double Energy(ReadOnlySpan<float> map, ReadOnlySpan<bool> truth)
    {
        var (inside, all) = (0.0, 0.0);
        for (var i = 0; i < map.Length; i++)
        {
            all += map[i];
            inside += truth[i] ? map[i] : 0;
        }
        return all > 0 ? inside / all : Area(truth);
    }

    /// <summary>Whether the map's highest place lies within the truth; of several equal ones, their share that does.</summary>
    /// <remarks>Zhang et al., "Top-down Neural Attention by Excitation Backprop", 2016, arXiv:1608.00507, section 4.1, without a
    /// tolerance.</remarks>
    public static double Hit(ReadOnlySpan<float> map, ReadOnlySpan<bool> truth)
    {
        var (highest, hits, count) = (float.NegativeInfinity, 0, 0);
        for (var i = 0; i < map.Length; i++)
        {
            if (map[i] > highest)
                (highest, hits, count) = (map[i], 0, 0);
            if (map[i] < highest)
                continue;
            count++;
            hits += truth[i] ? 1 : 0;
        }
        return count == 0 ? double.NaN : (double)hits / count;
    }

    /// <summary>The truth's share of the image.</summary>
    public static double Area(ReadOnlySpan<bool> truth) => (double)truth.Count(true) / truth.Length;
}
