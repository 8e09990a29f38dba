using MathNet.Numerics.Distributions;

namespace Tessera.Framework.Metrics.Statistics;

/// <summary>Whether two classifiers are right equally often, from the images of which only one of them is right.</summary>
/// <remarks>McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12, 1947; exact, by the
/// binomial distribution.</remarks>
public static class McNemar
{
    /// <summary>Two-sided: how likely so uneven a split is where each of the two is as likely to be the one that is right.</summary>
    /// <param name="first">Images of which only the first is right.</param>
    /// <param name="second">Images of which only the second is right.</param>
    /// <returns>1 where there is no such image.</returns>
    public static double PValue(long first, long second)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(second);
        var (fewer, all) = (Math.Min(first, second), checked((int)(first + second)));
        return all == 0 ? 1 : Math.Min(1, 2 * Binomial.CDF(0.5, all, fewer));
    }
}
