namespace Tessera.Balance;

/// <summary>Weights against imbalance, from how often each class occurs. A class that never occurs has weight 1: nothing depends on
/// it.</summary>
public static class ClassWeights
{
    /// <summary>One over the class's count, scaled so that the mean over everything that is counted is 1: all over (classes that occur ·
    /// the class's own).</summary>
    public static double[] Inverse(IReadOnlyList<long> counts)
    {
        var (all, occur) = (counts.Sum(), counts.Count(count => count > 0));
        return [.. counts.Select(count => count == 0 ? 1 : all / ((double)occur * count))];
    }

    /// <summary>The most frequent class's count over the class's own.</summary>
    public static double[] MaxByCount(IReadOnlyList<long> counts)
    {
        var most = counts.Max();
        return [.. counts.Select(count => count == 0 ? 1 : (double)most / count)];
    }

    /// <summary>The median of all frequencies over the class's own; a class's frequency is its pixels over those of the images that show
    /// it.</summary>
    /// <remarks>Eigen and Fergus, "Predicting Depth, Surface Normals and Semantic Labels with a Common Multi-Scale Convolutional
    /// Architecture", 2015, arXiv:1411.4734.</remarks>
    /// <param name="counts">By class.</param>
    /// <param name="among">By class: everything that is counted in the images that show it.</param>
    public static double[] MedianFrequency(IReadOnlyList<long> counts, IReadOnlyList<long> among)
    {
        var frequencies = counts.Select((count, c) => count == 0 ? 0 : (double)count / among[c]).ToArray();
        var seen = frequencies.Where(frequency => frequency > 0).Order().ToArray();
        if (seen.Length == 0)
            return [.. frequencies.Select(_ => 1.0)];
        var median = (seen[(seen.Length - 1) / 2] + seen[seen.Length / 2]) / 2;
        return [.. frequencies.Select(frequency => frequency > 0 ? median / frequency : 1)];
    }

    /// <summary>(1 - beta) / (1 - beta^count), scaled so that the classes that occur have a mean of 1.</summary>
    /// <remarks>Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", 2019, arXiv:1901.05555.</remarks>
    public static double[] EffectiveNumber(IReadOnlyList<long> counts, double beta)
    {
        var inverse = counts.Select(count => count == 0 ? 0 : (1 - beta) / (1 - Math.Pow(beta, count))).ToArray();
        var seen = inverse.Where(value => value > 0).ToArray();
        if (seen.Length == 0)
            return [.. inverse.Select(_ => 1.0)];
        var mean = seen.Average();
        return [.. inverse.Select(value => value > 0 ? value / mean : 1)];
    }

    /// <summary>The paper's beta is (N - 1) / N of a volume N. For pixels, the most frequent class's count stands for it: with the betas
    /// for images every class would weigh the same.</summary>
    public static double DefaultBeta(IReadOnlyList<long> counts, bool pixels) => pixels ? 1 - 1.0 / Math.Max(counts.Max(), 2) : 0.9999;
}
