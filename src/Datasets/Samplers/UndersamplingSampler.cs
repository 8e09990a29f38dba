using Tessera.Framework.Data;

namespace Tessera.Datasets.Samplers;

/// <param name="MaxPerClass">Samples of a class that an epoch has at most; by default as many as the rarest class has that occurs.</param>
public sealed record UndersamplingSamplerOptions([property: Range(1, int.MaxValue)] int? MaxPerClass = null);

/// <summary>Shows fewer samples of frequent classes, others in each epoch, so that none is left out for good.</summary>
/// <remarks>A sample of several classes counts for the rarest of them: frequent classes never push rare ones out, and may come more often
/// as their companions. Samples that show no class count as a class of their own.</remarks>
[Component("UndersamplingSampler")]
public sealed class UndersamplingSampler(UndersamplingSamplerOptions options) : Sampler
{
    private SampleClasses? _known;

    public override IReadOnlyList<int> Order(Dataset dataset, long seed, int epoch)
    {
        var presence = _known = SampleClasses.Of(dataset, _known, nameof(UndersamplingSampler));
        var most = options.MaxPerClass ?? presence.Samples.Where(count => count > 0).DefaultIfEmpty(dataset.Count).Min();
        var random = SamplerRandom.For(seed, epoch);
        var left = new int[presence.Samples.Length + 1]; // the last: of samples that show no class
        Array.Fill(left, most);
        var order = new List<int>();
        foreach (var index in random.Permutation(dataset.Count))
        {
            var label = presence.Rarest(index);
            ref var places = ref left[label < 0 ? ^1 : label];
            if (places == 0)
                continue;
            places--;
            order.Add(index);
        }
        return order;
    }
}
