using Tessera.Framework.Data;

namespace Tessera.Datasets.Corruptions;

/// <summary>Every value for itself.</summary>
internal static class NoiseCorruptions
{
    private static readonly double[] s_gaussian = [0.08, 0.12, 0.18, 0.26, 0.38],
        s_shot = [60, 25, 12, 5, 3],
        s_impulse = [0.03, 0.06, 0.09, 0.17, 0.27],
        s_speckle = [0.15, 0.2, 0.35, 0.45, 0.6];

    public static Raster Gaussian(Raster image, int level, RandomSource random) =>
        image.Map(value => value + (s_gaussian[level] * random.Normal()));

    /// <summary>Photons are counted: Poisson's distribution.</summary>
    public static Raster Shot(Raster image, int level, RandomSource random) =>
        image.Map(value => Poisson(value * s_shot[level], random) / s_shot[level]);

    /// <summary>Salt and pepper.</summary>
    public static Raster Impulse(Raster image, int level, RandomSource random) =>
        image.Map(value => random.NextDouble() <= s_impulse[level] ? (random.NextDouble() <= 0.5 ? 1 : 0) : value);

    public static Raster Speckle(Raster image, int level, RandomSource random) =>
        image.Map(value => value + (value * s_speckle[level] * random.Normal()));

    /// <summary>By products of uniform numbers (Knuth); the means here are at most 60.</summary>
    private static int Poisson(double mean, RandomSource random)
    {
        var (limit, product, count) = (Math.Exp(-mean), random.NextDouble(), 0);
        while (product > limit)
        {
            product *= random.NextDouble();
            count++;
        }
        return count;
    }
}
