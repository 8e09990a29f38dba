using Tessera.Framework.Data;

namespace Tessera.Datasets.Loading;

/// <summary>Makes <see cref="BatchLoader"/>s.</summary>
public sealed class BatchLoaderFactory : IBatchLoaderFactory
{
    public IBatchLoader Create(
        Dataset dataset,
        IReadOnlyList<Transform> pipeline,
        Sampler? sampler,
        LoaderOptions options,
        long seed,
        bool training,
        int rank = 0,
        int worldSize = 1,
        IReadOnlyList<BatchTransform>? batchTransforms = null
    ) => new BatchLoader(dataset, pipeline, sampler, options, seed, training, rank, worldSize, batchTransforms ?? []);
}
