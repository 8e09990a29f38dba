using Tessera.Framework.Data;

namespace Tessera.Models.BatchTransforms;

/// <summary>Draws from the symmetric beta distribution, Beta(alpha, alpha).</summary>
/// <remarks>By two gamma variates.</remarks>
internal static class BetaDistribution
{
    public static double Sample(double alpha, RandomSource random)
    {
        var (a, b) = (random.LogGamma(alpha), random.LogGamma(alpha));
        return 1 / (1 + Math.Exp(b - a)); // in logarithms, since for a small alpha both may underflow
    }
}
