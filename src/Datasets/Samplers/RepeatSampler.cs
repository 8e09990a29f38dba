using Tessera.Framework.Data;

namespace Tessera.Datasets.Samplers;

/// <param name="Times">How often an epoch passes through the data.</param>
/// <param name="Shuffle">A random order for each pass; otherwise the data set's own.</param>
public sealed record RepeatSamplerOptions([property: Range(1, 100_000)] int Times, bool Shuffle = true);

/// <summary>An epoch that passes several times through a small data set. A repeated sample is augmented anew.</summary>
[Component("RepeatSampler")]
public sealed class RepeatSampler(RepeatSamplerOptions options) : Sampler
{
    public override IReadOnlyList<int> Order(Dataset dataset, long seed, int epoch)
    {
        if ((long)dataset.Count * options.Times > Array.MaxLength)
            throw new UserErrorException(
                $"RepeatSampler: {options.Times} passes through {dataset.Count} samples are too many for one epoch."
            );
        var random = SamplerRandom.For(seed, epoch);
        var order = new int[dataset.Count * options.Times];
        for (var pass = 0; pass < options.Times; pass++)
        {
            var once = options.Shuffle ? random.Permutation(dataset.Count) : [.. Enumerable.Range(0, dataset.Count)];
            once.CopyTo(order, pass * dataset.Count);
        }
        return order;
    }
}
