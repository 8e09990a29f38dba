using Tessera.Datasets.Loading;
using Tessera.Datasets.Samplers;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using static TorchSharp.torch;

namespace Tessera.Tests.Datasets.Loading;

public sealed class BatchLoaderTests
{
    /// <summary>Adds a random value to every pixel, and takes a random time.</summary>
    private sealed class Jitter : Transform
    {
        public override Sample Apply(Sample sample, RandomSource random)
        {
            var shift = (byte)random.Next(256);
            foreach (ref var value in sample.Image!.Decode().Bytes.AsSpan())
                value += shift;
            if (shift % 8 == 0)
                Thread.Sleep(shift % 3);
            return sample;
        }
    }

    private static readonly RandomSampler Shuffled = new(new RandomSamplerOptions());

    private static IBatchLoader Loader(
        Dataset data,
        LoaderOptions options,
        Sampler? sampler = null,
        bool training = true,
        int rank = 0,
        int worldSize = 1,
        Transform[]? pipeline = null,
        BatchTransform[]? batchTransforms = null
    ) => new BatchLoaderFactory().Create(data, pipeline ?? [], sampler, options, seed: 7, training, rank, worldSize, batchTransforms);

    /// <summary>Every batch of an epoch as plain values: names, labels, pixels.</summary>
    private static List<(string Names, long[] Labels, float[] Pixels)> Read(IBatchLoader loader, int epoch = 0, int skip = 0)
    {
        var batches = new List<(string, long[], float[])>();
        foreach (var batch in loader.Epoch(epoch, skip))
            using (batch)
                batches.Add(
                    (
                        string.Join(' ', batch.Samples.Select(sample => sample.Name)),
                        batch.Labels!.data<long>().ToArray(),
                        batch.Images.data<float>().ToArray()
                    )
                );
        return batches;
    }

    private static string Names(IBatchLoader loader, int epoch = 0) => string.Join(" | ", Read(loader, epoch).Select(batch => batch.Names));

    [Fact]
    public void UsePipeline_TakesEffectFromTheNextEpoch_NeverWithinOne()
    {
        var data = new Shapes(new ShapesOptions(Count: 12, Size: 16));
        using var loader = Loader(data, new(4, Workers: 2), pipeline: [new Jitter()]);
        using var plain = Loader(data, new(4, Workers: 2));
        Assert.NotEqual(Read(plain).Select(batch => batch.Pixels), Read(loader).Select(batch => batch.Pixels));
        foreach (var batch in loader.Epoch(1))
        {
            using (batch)
                Assert.Throws<InvalidOperationException>(() => loader.UsePipeline([]));
        }
        loader.UsePipeline([]);
        Assert.Equal(Read(plain, 2).Select(batch => batch.Pixels), Read(loader, 2).Select(batch => batch.Pixels));
    }

    [Fact]
    public void Epoch_AnyNumberOfWorkers_GivesTheSameBatches()
    {
        var data = new Shapes(new ShapesOptions(Count: 103, Size: 16));
        var expected = Enumerable
            .Range(0, 2)
            .SelectMany(epoch => Read(Loader(data, new LoaderOptions(8, Workers: 0), Shuffled, pipeline: [new Jitter()]), epoch))
            .ToArray();
        Assert.Equal(26, expected.Length);
        Assert.Equal(103 % 8, expected[12].Labels.Length);
        Assert.NotEqual(expected[0].Pixels, expected[13].Pixels);
        foreach (var workers in new[] { 1, 4 })
        {
            using var loader = Loader(data, new LoaderOptions(8, workers, Prefetch: 1), Shuffled, pipeline: [new Jitter()]);
            var actual = Enumerable.Range(0, 2).SelectMany(epoch => Read(loader, epoch)).ToArray();
            Assert.Equal(expected.Select(b => b.Names), actual.Select(b => b.Names));
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First.Labels, pair.Second.Labels));
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First.Pixels, pair.Second.Pixels));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Epoch_Skip_ContinuesWithoutReading(int workers)
    {
        var data = new MemoryDataset(40);
        using var loader = Loader(data, new LoaderOptions(4, workers), Shuffled, pipeline: [new Jitter()]);
        var whole = Read(loader, epoch: 3);
        var readBefore = data.Reads;
        var rest = Read(loader, epoch: 3, skip: 7);
        Assert.Equal(readBefore + 12, data.Reads);
        Assert.Equal(whole.Skip(7).Select(b => b.Names), rest.Select(b => b.Names));
        Assert.All(whole.Skip(7).Zip(rest), pair => Assert.Equal(pair.First.Pixels, pair.Second.Pixels));
        Assert.Empty(Read(loader, epoch: 3, skip: 10));
    }

    [Fact]
    public void Epoch_ReadsAheadWithinBounds()
    {
        var data = new MemoryDataset(1000);
        using var loader = Loader(data, new LoaderOptions(10, Workers: 2, Prefetch: 3));
        using var batches = loader.Epoch(0).GetEnumerator();
        batches.MoveNext();
        batches.Current.Dispose();
        Assert.True(SpinWait.SpinUntil(() => data.Reads == 70, 5000), $"{data.Reads} read"); // one taken, two workers times three waiting
        Thread.Sleep(50);
        Assert.Equal(70, data.Reads);
    }

    [Fact]
    public void Dispose_InTheMiddle_StopsTheThreads()
    {
        var data = new MemoryDataset(
            10_000,
            index =>
            {
                Thread.Sleep(1);
                return MemoryDataset.Pixel(index, 0, 0);
            }
        );
        using var loader = Loader(data, new LoaderOptions(4, Workers: 4, Prefetch: 16));
        using (var batches = loader.Epoch(0).GetEnumerator())
        {
            batches.MoveNext();
            batches.Current.Dispose();
        }
        var reads = data.Reads;
        Thread.Sleep(30);
        Assert.Equal(reads, data.Reads);

        var abandoned = loader.Epoch(1).GetEnumerator();
        abandoned.MoveNext();
        abandoned.Current.Dispose();
        loader.Dispose();
        reads = data.Reads;
        Thread.Sleep(30);
        Assert.Equal(reads, data.Reads);
        Assert.Throws<ObjectDisposedException>(() => abandoned.MoveNext());
        Assert.Throws<ObjectDisposedException>(() => loader.Epoch(2));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void BadSample_Fatal_IsNamedOnceAndInItsTurn(int workers)
    {
        var data = new MemoryDataset(
            40,
            index =>
                index is 17 or 18 or 30
                    ? throw new UserErrorException($"/data/{index}.jpg is empty (0 bytes).")
                    : MemoryDataset.Pixel(index, 0, 0)
        );
        using var loader = Loader(data, new LoaderOptions(4, workers));
        var taken = 0;
        var error = Assert.Throws<UserErrorException>(() =>
        {
            foreach (var batch in loader.Epoch(0))
            {
                batch.Dispose();
                taken++;
            }
        });
        Assert.Equal(4, taken);
        Assert.Equal("sample 17: /data/17.jpg is empty (0 bytes).", error.Message);
    }

    [Fact]
    public void BadSample_InAFile_IsNamed()
    {
        var data = new MemoryDataset(
            4,
            index => new Sample
            {
                Index = index,
                Name = $"/data/{index}.jpg",
                ReadFile = () => throw new IOException("the disk is on fire"),
            }
        );
        using var loader = Loader(data, new LoaderOptions(4), pipeline: [new ReadAll()]);
        Assert.Equal("/data/0.jpg: the disk is on fire", Assert.Throws<UserErrorException>(() => Read(loader)).Message);
    }

    private sealed class ReadAll : Transform
    {
        public override Sample Apply(Sample sample, RandomSource random)
        {
            sample.ReadFile!();
            return sample;
        }
    }

    [Fact]
    public void Defect_InATransform_IsNotSkippedAndNamesTheSample()
    {
        var data = new MemoryDataset(
            8,
            index => index == 5 ? throw new IndexOutOfRangeException("oops") : MemoryDataset.Pixel(index, 0, 0)
        );
        using var loader = Loader(data, new LoaderOptions(4, Workers: 2, OnBadSample: BadSample.Skip));
        Assert.Equal("Reading sample 5 failed: oops", Assert.Throws<InvalidOperationException>(() => Read(loader)).Message);
    }

    [Fact]
    public void BadSample_SkippedInTraining_IsReplacedAlikeForAnyNumberOfWorkers()
    {
        static MemoryDataset Data() =>
            new(60, index => index % 7 == 3 ? throw new UserErrorException("broken") : MemoryDataset.Pixel(index, (byte)index, index % 10));
        LoaderOptions options = new(8, Workers: 0, OnBadSample: BadSample.Skip);
        using var alone = Loader(Data(), options, Shuffled, pipeline: [new Jitter()]);
        using var many = Loader(Data(), options with { Workers = 4 }, Shuffled, pipeline: [new Jitter()]);
        var (expected, actual) = (Read(alone), Read(many));
        Assert.Equal([8, 8, 8, 8, 8, 8, 8, 4], expected.Select(batch => batch.Labels.Length));
        Assert.Equal(expected.Select(b => b.Names), actual.Select(b => b.Names));
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First.Pixels, pair.Second.Pixels));
        Assert.Equal(Enumerable.Range(0, 60).Where(i => i % 7 == 3).Select(i => ($"sample {i}", "broken")), many.Skipped);
        Assert.Equal(alone.Skipped, many.Skipped);
    }

    [Fact]
    public void BadSample_SkippedInEvaluation_IsLeftOut()
    {
        var data = new MemoryDataset(
            12,
            index =>
                index is 1 or 2 or 4 or 5 or 6 or 7
                    ? throw new UserErrorException("broken")
                    : MemoryDataset.Pixel(index, (byte)(10 * index), index % 10)
        );
        using var loader = Loader(data, new LoaderOptions(4, Workers: 2, OnBadSample: BadSample.Skip), training: false);
        var batches = Read(loader);
        Assert.Equal(["sample-0 sample-3", "sample-8 sample-9 sample-10 sample-11"], batches.Select(b => b.Names));
        Assert.Equal([0, 3], batches[0].Labels);
        Assert.Equal([0, 0, 0, 0, 30, 30, 30, 30], batches[0].Pixels);
        Assert.Equal(6, loader.Skipped.Count);
    }

    [Fact]
    public void BadSamples_AllOfThem_EndTraining()
    {
        var data = new MemoryDataset(12, index => throw new UserErrorException("broken"));
        using var loader = Loader(data, new LoaderOptions(4, OnBadSample: BadSample.Skip));
        Assert.StartsWith(
            "17 samples drawn one after another can't be read. The first: sample",
            Assert.Throws<UserErrorException>(() => Read(loader)).Message
        );
    }

    [Fact]
    public void Ranks_InTraining_TogetherAreOneProcessWithALargerBatch()
    {
        var data = new MemoryDataset(40);
        using var alone = Loader(data, new LoaderOptions(8), Shuffled, pipeline: [new Jitter()]);
        var ranks = Enumerable
            .Range(0, 2)
            .Select(rank => Loader(data, new LoaderOptions(4), Shuffled, rank: rank, worldSize: 2, pipeline: [new Jitter()]))
            .Select(loader => Read(loader))
            .ToArray();
        var together = Read(alone);
        for (var k = 0; k < together.Count; k++)
        {
            Assert.Equal(together[k].Names.Split(' ').Order(), ranks.SelectMany(rank => rank[k].Names.Split(' ')).Order());
            Assert.Equal(together[k].Pixels.Order(), ranks.SelectMany(rank => rank[k].Pixels).Order());
        }
    }

    [Fact]
    public void Ranks_InEvaluation_ReadEverySampleOnce()
    {
        var data = new MemoryDataset(13);
        for (var rank = 0; rank < 3; rank++)
            Read(Loader(data, new LoaderOptions(2), training: false, rank: rank, worldSize: 3));
        Assert.All(Enumerable.Range(0, 13), index => Assert.Equal(1, data.ReadsOf(index)));
    }

    [Fact]
    public void DropLast_LeavesOutWhatDoesNotFill()
    {
        using var loader = Loader(new MemoryDataset(10), new LoaderOptions(4, DropLast: true));
        Assert.Equal(2, loader.BatchesPerEpoch);
        Assert.Equal(2, Read(loader).Count);
        Assert.Contains(
            "drop_last leaves nothing: 10 samples",
            Assert.Throws<UserErrorException>(() => Loader(new MemoryDataset(10), new LoaderOptions(11, DropLast: true))).Message
        );
    }

    [Fact]
    public void Sampler_RepeatedSample_IsAugmentedAnew()
    {
        using var loader = Loader(
            new MemoryDataset(4),
            new LoaderOptions(8),
            new RepeatSampler(new RepeatSamplerOptions(2, Shuffle: false)),
            pipeline: [new Jitter()]
        );
        var pixels = Read(loader).Single().Pixels;
        Assert.NotEqual(pixels[..16], pixels[16..]);
        // The first occurrence is augmented by (seed, epoch, index) alone.
        Assert.Equal((byte)(2 + RandomSource.For(7, 0, 2).Next(256)), pixels[8]);
    }

    private sealed class Mark : BatchTransform
    {
        public override void Apply(Batch batch, DataInfo info, RandomSource random)
        {
            var marked = batch.Images + random.NextDouble();
            batch.Images.Dispose();
            batch.Images = marked;
        }
    }

    [Fact]
    public void BatchTransforms_AreSeededByTheBatch()
    {
        using var loader = Loader(new MemoryDataset(12), new LoaderOptions(4), batchTransforms: [new Mark()]);
        var (all, rest) = (Read(loader), Read(loader, skip: 2));
        Assert.Equal(all[2].Pixels, rest[0].Pixels);
        var marks = all.Select((batch, k) => batch.Pixels[0] - 4 * k).ToArray();
        Assert.Equal(3, marks.Distinct().Count());
        Assert.All(marks, mark => Assert.InRange(mark, 0, 1));
    }

    [Fact]
    public void Batch_OutlivesTheDisposeScopeItWasTakenIn()
    {
        using var loader = Loader(new MemoryDataset(4), new LoaderOptions(4, Workers: 0), batchTransforms: [new Mark()]);
        Batch batch;
        using (NewDisposeScope())
            batch = loader.Epoch(0).First();
        using (batch)
            Assert.Equal([4, 1, 2, 2], batch.Images.shape);
    }

    [Fact]
    public void TakeWaitTimes_TellsWaitingFromWorking()
    {
        var data = new MemoryDataset(
            8,
            index =>
            {
                Thread.Sleep(20);
                return MemoryDataset.Pixel(index, 0, 0);
            }
        );
        using var loader = Loader(data, new LoaderOptions(4, Workers: 0));
        loader.TakeWaitTimes();
        foreach (var batch in loader.Epoch(0))
        {
            batch.Dispose();
            Thread.Sleep(60);
        }
        var (waiting, total) = loader.TakeWaitTimes();
        Assert.InRange(waiting.TotalSeconds, 0.155, total.TotalSeconds - 0.115); // eight reads of 20 ms; two pauses of 60 ms
        Assert.Equal(TimeSpan.Zero, loader.TakeWaitTimes().Waiting);
    }

    [Fact]
    public void Dataset_Empty_IsAnError() =>
        Assert.Contains(
            "holds no samples",
            Assert.Throws<UserErrorException>(() => Loader(new MemoryDataset(0), new LoaderOptions())).Message
        );
}
