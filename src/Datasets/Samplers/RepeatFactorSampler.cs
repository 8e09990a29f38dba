using Tessera.Framework.Data;

namespace Tessera.Datasets.Samplers;

/// <param name="Threshold">Share of samples below which a class is repeated.</param>
public sealed record RepeatFactorSamplerOptions([property: Range(1e-9, 1.0)] double Threshold = 0.001);

/// <summary>Repeats the samples of rare classes: sample i comes r(i) times an epoch on average, in a random order.</summary>
/// <remarks>
/// <para>Gupta, Dollár and Girshick, "LVIS", CVPR 2019, arXiv:1908.03195: f(c) is the share of samples that show class c, r(c) =
/// max(1, √(threshold / f(c))), r(i) the largest r(c) of the sample's classes, and 1 where it shows none. A factor of 1.4 is once or
/// twice: which of the two is drawn anew each epoch.</para>
/// <para>Epochs are equally long, which single draws would not give: the fractions are laid end to end, in a random order, and whole
/// numbers are counted off from a random start, so that each sample's mean is its factor and their sum varies by one at most. Where
/// the last place is left, a sample drawn from all takes it.</para>
/// </remarks>
[Component("RepeatFactorSampler")]
public sealed class RepeatFactorSampler(RepeatFactorSamplerOptions options) : Sampler
{
    private const int Bits = 32;
    private const long One = 1L << Bits; // factors in fixed point: sums are exact in any order

    private SampleClasses? _known;

    public override IReadOnlyList<int> Order(Dataset dataset, long seed, int epoch)
    {
        _known = SampleClasses.Of(dataset, _known, nameof(RepeatFactorSampler));
        var factors = Factors(_known);
        var extra = factors.Sum(factor => factor & (One - 1));
        // Rounded up, but not for what fixed point has rounded.
        var length = factors.Sum(factor => factor >> Bits) + (Math.Max(0, extra + One - 1 - factors.Length) >> Bits);
        if (length > Array.MaxLength)
            throw new UserErrorException($"RepeatFactorSampler: {length} samples are too many for one epoch. Lower threshold.");

        var random = SamplerRandom.For(seed, epoch);
        var drawn = new List<int>((int)length);
        var sum = (long)(random.NextDouble() * One);
        foreach (var index in random.Permutation(factors.Length))
        {
            sum += factors[index] & (One - 1);
            var times = (factors[index] >> Bits) + (sum >> Bits);
            sum &= One - 1;
            for (var i = 0L; i < times; i++)
                drawn.Add(index);
        }
        if (drawn.Count > length)
            drawn.RemoveAt(drawn.Count - 1);
        while (drawn.Count < length)
            drawn.Add(random.Next(dataset.Count));
        return Array.ConvertAll(random.Permutation(drawn.Count), i => drawn[i]);
    }

    /// <summary>√(threshold / share), at least 1.</summary>
    public static double FactorOf(double share, double threshold) => Math.Max(1, Math.Sqrt(threshold / share));

    /// <summary>In fixed point.</summary>
    private long[] Factors(SampleClasses presence) =>
        Array.ConvertAll(
            presence.Labels,
            labels =>
                (long)Math.Round(labels.Select(label => FactorOf(presence.Share(label), options.Threshold)).DefaultIfEmpty(1).Max() * One)
        );
}
