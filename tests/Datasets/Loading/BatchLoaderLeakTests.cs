using Tessera.Datasets.Loading;
using Tessera.Framework.Data;
using Tessera.Torch;

namespace Tessera.Tests.Datasets.Loading;

/// <summary>Counts every native tensor of the process, so nothing else may run meanwhile.</summary>
[CollectionDefinition(nameof(LiveTensors), DisableParallelization = true)]
public sealed class LiveTensors;

[Collection(nameof(LiveTensors))]
public sealed class BatchLoaderLeakTests
{
    private sealed class AddOne : BatchTransform
    {
        public override void Apply(Batch batch, DataInfo info, RandomSource random)
        {
            var (old, ones) = (batch.Images, batch.Images * 0 + 1);
            batch.Images = old + ones;
            old.Dispose();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Epoch_WholeOrAbandoned_LeavesNoTensors(int workers)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = TorchSharp.torch.Tensor.TotalCount;
        using var loader = new BatchLoaderFactory().Create(
            new MemoryDataset(64),
            [],
            null,
            new LoaderOptions(4, workers, OnBadSample: BadSample.Skip),
            0,
            training: true,
            batchTransforms: [new AddOne()]
        );
        for (var epoch = 0; epoch < 3; epoch++)
        {
            foreach (var batch in loader.Epoch(epoch))
            {
                Assert.Equal(before + 2, Held(batch, workers) ?? before + 2); // images and labels
                batch.Dispose();
            }
            foreach (var batch in loader.Epoch(epoch))
            {
                batch.Dispose();
                break;
            }
        }
        Assert.Equal(before, TorchSharp.torch.Tensor.TotalCount);
    }

    /// <summary>Tensors alive while a batch is held; workers have more of them in the making, so only without them is it known.</summary>
    private static long? Held(Batch batch, int workers) => workers == 0 && batch.Count > 0 ? TorchSharp.torch.Tensor.TotalCount : null;
}
