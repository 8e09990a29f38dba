using MathNet.Numerics.Distributions;

namespace Tessera.Framework.Metrics.Statistics;

/// <summary>What a share of images would be on other images of the same kind.</summary>
/// <remarks>Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.</remarks>
public static class Wilson
{
    /// <summary>The 95 % interval of a share; it stays within [0, 1]. NaN where there is no image.</summary>
    /// <param name="right">Of <paramref name="all"/>.</param>
    public static (double Low, double High) Interval(long right, long all)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(right);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(right, all);
        if (all == 0)
            return (double.NaN, double.NaN);
        var z = Normal.InvCDF(0, 1, 0.975);
        var share = (double)right / all;
        var (middle, whole) = (share + (z * z / (2 * all)), 1 + (z * z / all));
        var half = z * Math.Sqrt((share * (1 - share) / all) + (z * z / (4.0 * all * all)));
        return (Math.Max(0, (middle - half) / whole), Math.Min(1, (middle + half) / whole));
    }
}
