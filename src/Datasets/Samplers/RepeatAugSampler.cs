using Tessera.Framework.Data;

namespace Tessera.Datasets.Samplers;

/// <param name="NumRepeats">How often each sample comes in a row.</param>
/// <param name="SelectedRound">An epoch has as many samples as the data set, rounded down to a multiple of this; 0: not rounded.</param>
/// <param name="Shuffle">A random order of the samples; otherwise the data set's own.</param>
public sealed record RepeatAugSamplerOptions(
    [property: Range(1, 1000)] int NumRepeats = 3,
    [property: Range(0, 1_000_000)] int SelectedRound = 256,
    bool Shuffle = true
);

/// <summary>Repeated augmentation: each sample several times in a row, differently augmented, in an epoch that is no longer for it: it
/// shows a third of the samples three times.</summary>
/// <remarks>
/// Hoffer et al., "Augment Your Batch", CVPR 2020, and Berman et al., "MultiGrain", 2019, arXiv:1902.05509, as DeiT and timm
/// (RepeatAugSampler) have it. Over several processes, which take turns, the forms of a sample come to different ones. Samples per
/// process are timm's where the processes divide <c>selected_round</c>, and with the loader's <c>drop_last</c> always; otherwise the
/// order is filled up as that of any sampler. A batch with all forms of a sample is one process's of a multiple of <c>num_repeats</c>.
/// </remarks>
[Component("RepeatAugSampler")]
public sealed class RepeatAugSampler(RepeatAugSamplerOptions options) : Sampler
{
    public override IReadOnlyList<int> Order(Dataset dataset, long seed, int epoch)
    {
        var once = options.Shuffle ? SamplerRandom.For(seed, epoch).Permutation(dataset.Count) : [.. Enumerable.Range(0, dataset.Count)];
        return Repeated(once);
    }

    /// <summary>The epoch's samples, of all processes.</summary>
    /// <param name="once">Each sample of the data set once.</param>
    internal int[] Repeated(IReadOnlyList<int> once)
    {
        var round = Math.Max(1, options.SelectedRound);
        var order = new int[once.Count / round * round];
        if (order.Length == 0)
            throw new UserErrorException(
                $"RepeatAugSampler: {once.Count} samples rounded down to a multiple of {round} are none. Set selected_round to 0."
            );
        for (var i = 0; i < order.Length; i++)
            order[i] = once[i / options.NumRepeats];
        return order;
    }
}
