using Tessera.Framework.Data;

namespace Tessera.Models.BatchTransforms;

/// <summary>Draws from the symmetric beta distribution, Beta(alpha, alpha).</summary>
/// <remarks>By two gamma variates: Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26, 2000.</remarks>
internal static class BetaDistribution
{
    public static double Sample(double alpha, RandomSource random)
    {
        var (a, b) = (LogGamma(alpha, random), LogGamma(alpha, random));
        return 1 / (1 + Math.Exp(b - a)); // in logarithms, since for a small alpha both may underflow
    }

    // The logarithm of a Gamma(shape, 1) variate.
    private static double LogGamma(double shape, RandomSource random)
    {
        if (shape < 1)
            return LogGamma(shape + 1, random) + (Math.Log(1 - random.NextDouble()) / shape);
        var d = shape - (1.0 / 3);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = random.Normal();
            var v = 1 + (c * x);
            if (v <= 0)
                continue;
            v = v * v * v;
            if (Math.Log(1 - random.NextDouble()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v)))
                return Math.Log(d * v);
        }
    }
}
