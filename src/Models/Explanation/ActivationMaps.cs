using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>Whether a map says anything.</summary>
public enum MapVerdict
{
    /// <summary>Some places speak more for the score than others.</summary>
    Useful,

    /// <summary>The same everywhere, but for rounding: to stretch it to [0, 1] would show noise.</summary>
    Constant,

    /// <summary>No place speaks for the score: all values are below or at zero, so that nothing is left to show.</summary>
    NegativeEverywhere,

    /// <summary>It has values that are NaN or infinite.</summary>
    NotFinite,
}

/// <summary>The values of a map before anything is cut off or scaled.</summary>
/// <param name="Least">NaN where a value is.</param>
/// <param name="Greatest">NaN where a value is.</param>
public readonly record struct MapRange(MapVerdict Verdict, double Least, double Greatest)
{
    // Differences of float32 sums that rounding makes, relative to the greatest value.
    private const double Rounding = 1e-6;

    /// <summary>The range of each of some maps.</summary>
    /// <param name="maps">[B, h, w].</param>
    /// <param name="positive">Whether values below zero will be cut off.</param>
    public static MapRange[] Of(Tensor maps, bool positive)
    {
        using var scope = NewDisposeScope();
        var flat = maps.flatten(1).to(ScalarType.Float64);
        var least = flat.amin([1]).Values<double>();
        var greatest = flat.amax([1]).Values<double>();
        return [.. least.Zip(greatest, (low, high) => new MapRange(Judge(low, high, positive), low, high))];
    }

    /// <summary>What several maps of one image, of which a mean is taken, say together.</summary>
    public static MapRange Together(IReadOnlyList<MapRange> ranges)
    {
        var verdicts = ranges.Select(range => range.Verdict).ToArray();
        var verdict =
            verdicts.Contains(MapVerdict.NotFinite) ? MapVerdict.NotFinite
            : verdicts.Contains(MapVerdict.Useful) ? MapVerdict.Useful
            : verdicts[0];
        return new MapRange(verdict, ranges.Min(range => range.Least), ranges.Max(range => range.Greatest));
    }

    /// <summary>Whether a map with these finite values is the same everywhere, but for rounding.</summary>
    public static bool IsConstant(double least, double greatest) =>
        greatest - least <= Rounding * Math.Max(Math.Abs(least), Math.Abs(greatest));

    private static MapVerdict Judge(double least, double greatest, bool positive) =>
        !double.IsFinite(least) || !double.IsFinite(greatest) ? MapVerdict.NotFinite
        : IsConstant(least, greatest) ? MapVerdict.Constant
        : positive && greatest <= 0 ? MapVerdict.NegativeEverywhere
        : MapVerdict.Useful;
}

/// <summary>Maps of images, and what is to be thought of each.</summary>
/// <param name="Maps">[B, H, W], float32, at the images' size, not yet scaled; of the caller's dispose scope.</param>
/// <param name="Ranges">Of each image, before values below zero were cut off; of several layers and passes together.</param>
public sealed record ActivationMaps(Tensor Maps, IReadOnlyList<MapRange> Ranges);
