using Tessera.Framework.Data;

namespace Tessera.Datasets.Samplers;

/// <summary>The data set's own order.</summary>
[Component("SequentialSampler")]
public sealed class SequentialSampler : Sampler
{
    public override IReadOnlyList<int> Order(Dataset dataset, long seed, int epoch) => [.. Enumerable.Range(0, dataset.Count)];
}
