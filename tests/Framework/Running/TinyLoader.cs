using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Running;

/// <summary>Points of three classes, drawn by index.</summary>
internal sealed class TinyDataset(int count) : Dataset
{
    public override int Count => count;

    public override DataInfo Info { get; } = new(["a", "b", "c"], DataTask.Classification);

    public override Sample Get(int index) =>
        new()
        {
            Index = index,
            Name = $"sample{index}.png",
            Truth = { Label = index % 3 },
        };

    public float[] Values(int index)
    {
        var random = RandomSource.For(7, 0, index);
        return [.. Enumerable.Range(0, 12).Select(i => (float)(random.Normal() + (i % 3 == index % 3 ? 1 : 0)))];
    }
}

/// <summary>Batches of a <see cref="TinyDataset"/>, shuffled by (seed, epoch), with noise by (seed, epoch, index); no threads.</summary>
internal sealed class TinyLoader(
    TinyDataset dataset,
    int batchSize,
    bool shuffle = true,
    double noise = 0.1,
    int rank = 0,
    int worldSize = 1
) : IBatchLoader
{
    public Dataset Dataset => dataset;

    public int BatchesPerEpoch { get; } = (dataset.Count / worldSize + batchSize - 1) / batchSize;

    public IReadOnlyList<(string Name, string Reason)> Skipped => [];

    /// <summary>Replaces an image's first value, to break a batch.</summary>
    public Func<int, int, float?> Poison { get; init; } = (_, _) => null;

    public (TimeSpan Waiting, TimeSpan Total) TakeWaitTimes() => (TimeSpan.Zero, TimeSpan.FromSeconds(1));

    public IEnumerable<Batch> Epoch(int epoch, int skip = 0)
    {
        int[] order = shuffle ? RandomSource.For(11, epoch, 0).Permutation(dataset.Count) : [.. Enumerable.Range(0, dataset.Count)];
        order = [.. order.Where((_, place) => place % worldSize == rank)];
        for (var number = skip; number < BatchesPerEpoch; number++)
        {
            var indices = order.Skip(number * batchSize).Take(batchSize).ToArray();
            var values = indices.SelectMany(index => Noisy(epoch, index)).ToArray();
            if (Poison(epoch, number) is { } poison)
                values[0] = poison;
            yield return new Batch
            {
                Images = tensor(values, [indices.Length, 3, 2, 2]).DetachFromDisposeScope(),
                Labels = tensor(indices.Select(index => (long)(index % 3)).ToArray()).DetachFromDisposeScope(),
                Samples = [.. indices.Select(dataset.Get)],
            };
        }
    }

    public void Dispose() { }

    private IEnumerable<float> Noisy(int epoch, int index)
    {
        var random = RandomSource.For(5, epoch, index);
        return dataset.Values(index).Select(value => value + (float)(noise * random.Normal()));
    }
}
