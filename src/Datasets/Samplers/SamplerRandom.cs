using Tessera.Framework.Data;

namespace Tessera.Datasets.Samplers;

internal static class SamplerRandom
{
    /// <summary>The source of an epoch's order: apart from those of its samples (index from 0) and its batches (below 0).</summary>
    public static RandomSource For(long seed, int epoch) => RandomSource.For(seed, epoch, long.MinValue);
}
