using Tessera.Framework.Data;

namespace Tessera.Datasets.Samplers;

/// <param name="Replacement">Draw each sample anew from all of them; one may come several times, another not at all.</param>
/// <param name="Samples">Samples of an epoch; by default, all of the data set's. Without replacement at most that many.</param>
public sealed record RandomSamplerOptions(bool Replacement = false, [property: Range(1, int.MaxValue)] int? Samples = null);

/// <summary>Another random order every epoch.</summary>
[Component("RandomSampler")]
public sealed class RandomSampler(RandomSamplerOptions options) : Sampler
{
    public override IReadOnlyList<int> Order(Dataset dataset, long seed, int epoch)
    {
        var random = SamplerRandom.For(seed, epoch);
        var count = options.Samples ?? dataset.Count;
        if (options.Replacement)
        {
            var drawn = new int[count];
            for (var i = 0; i < count; i++)
                drawn[i] = random.Next(dataset.Count);
            return drawn;
        }
        if (count > dataset.Count)
            throw new UserErrorException(
                $"RandomSampler can't draw {count} samples of {dataset.Count} without replacement. Set replacement to true, or samples "
                    + $"to at most {dataset.Count}."
            );
        return random.Permutation(dataset.Count)[..count];
    }
}
