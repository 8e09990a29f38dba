using Tessera.Framework.Data;

namespace Tessera.Datasets.Samplers;

/// <param name="Threshold">
/// Share of samples below which a class is oversampled: each sample comes max over its classes of sqrt(threshold / share) times,
/// at least once. By default none: samples are drawn instead, by the inverse frequency of their classes.
/// </param>
/// <param name="Power">Without a threshold: samples are drawn in proportion to 1 / share^power. 0 ignores the classes, 1 evens them
/// out.</param>
public sealed record ClassBalancedSamplerOptions(
    [property: Range(1e-9, 1.0)] double? Threshold = null,
    [property: Range(0.0, 1.0)] double Power = 1
);

/// <summary>Shows rare classes more often.</summary>
/// <remarks>With a threshold: repeat factors of Gupta, Dollár and Girshick, "LVIS", CVPR 2019, arXiv:1908.03195, rounded up;
/// <see cref="RepeatFactorSampler"/> draws the rounding anew each epoch.</remarks>
[Component("ClassBalancedSampler")]
public sealed class ClassBalancedSampler(ClassBalancedSamplerOptions options) : Sampler
{
    private SampleClasses? _known;

    public override IReadOnlyList<int> Order(Dataset dataset, long seed, int epoch)
    {
        var presence = _known = SampleClasses.Of(dataset, _known, nameof(ClassBalancedSampler));
        var random = SamplerRandom.For(seed, epoch);
        var weights = Weights(presence);
        return options.Threshold is null ? Draw(weights, random) : Repeat(weights, random);
    }

    /// <summary>For each sample its repeat factor, or the weight it is drawn with: that of its rarest class.</summary>
    private double[] Weights(SampleClasses presence) =>
        Array.ConvertAll(presence.Labels, of => of.Select(label => Weight(presence.Share(label))).DefaultIfEmpty(1).Max());

    private double Weight(double share) =>
        options.Threshold is { } threshold ? RepeatFactorSampler.FactorOf(share, threshold) : Math.Pow(share, -options.Power);

    private static int[] Repeat(double[] factors, RandomSource random)
    {
        var order = factors.SelectMany((factor, index) => Enumerable.Repeat(index, (int)Math.Ceiling(factor))).ToArray();
        return Array.ConvertAll(random.Permutation(order.Length), i => order[i]);
    }

    private static int[] Draw(double[] weights, RandomSource random)
    {
        var sums = new double[weights.Length];
        var total = 0.0;
        for (var i = 0; i < sums.Length; i++)
            sums[i] = total += weights[i];
        var order = new int[sums.Length];
        for (var i = 0; i < order.Length; i++)
        {
            var at = Array.BinarySearch(sums, random.NextDouble() * total);
            order[i] = Math.Min(at < 0 ? ~at : at + 1, sums.Length - 1);
        }
        return order;
    }
}
