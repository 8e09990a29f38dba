using CsCheck;
using Tessera.Datasets.Loading;
using Tessera.Datasets.Samplers;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Properties;

/// <summary>Which samples an epoch holds, over all processes, whatever their number and the batches' size; a failure is shrunk, and its
/// seed is in the message.</summary>
public sealed class SamplerPropertyTests
{
    /// <param name="Processes">That share an epoch.</param>
    private sealed record Shape(int Samples, int Processes, int BatchSize, int Workers, long Seed);

    private static readonly Gen<Shape> s_shapes = Gen.Select(Gen.Int[1, 40], Gen.Int[1, 5], Gen.Int[1, 7], Gen.Int[0, 3], Gen.Long[-9, 9])
        .Select((samples, processes, batch, workers, seed) => new Shape(samples, processes, batch, workers, seed));

    [Fact]
    public void Evaluation_EachSample_ComesOnce() =>
        s_shapes.Sample(
            shape =>
                Epochs(shape, null, training: false)
                    .SelectMany(indices => indices)
                    .Order()
                    .SequenceEqual(Enumerable.Range(0, shape.Samples)),
            iter: 120,
            threads: 1
        );

    [Fact]
    public void Training_EachSample_ComesOnce_ButForThoseThatFillUp() =>
        s_shapes.Sample(
            shape =>
            {
                var shares = Epochs(shape, new RandomSampler(new RandomSamplerOptions()), training: true);
                var all = shares.SelectMany(indices => indices).ToArray();
                var filled = (shape.Processes - shape.Samples % shape.Processes) % shape.Processes;
                return shares.All(share => share.Count == shares[0].Count)
                    && all.Length == shape.Samples + filled
                    && all.Distinct().Count() == shape.Samples;
            },
            iter: 120,
            threads: 1
        );

    [Fact]
    public void Training_DropLast_ComesAtMostOnce_InWholeBatches() =>
        s_shapes
            .Where(shape => shape.Samples >= shape.Processes * shape.BatchSize)
            .Sample(
                shape =>
                {
                    var shares = Epochs(shape, new RandomSampler(new RandomSamplerOptions()), training: true, dropLast: true);
                    var all = shares.SelectMany(indices => indices).ToArray();
                    return shares.All(share => share.Count % shape.BatchSize == 0 && share.Count == shares[0].Count)
                        && all.Distinct().Count() == all.Length
                        && shape.Samples - all.Length < shape.Processes * shape.BatchSize;
                },
                iter: 100,
                threads: 1
            );

    /// <summary>Batch k of all processes together is batch k of one process with batches as many times as large.</summary>
    [Fact]
    public void Training_BatchesOfAllProcesses_AreThoseOfOne() =>
        s_shapes
            .Where(shape => shape.Samples % (shape.Processes * shape.BatchSize) == 0)
            .Sample(
                shape =>
                {
                    var sampler = new RandomSampler(new RandomSamplerOptions());
                    var many = Epochs(shape, sampler, training: true);
                    var one = Epochs(shape with { Processes = 1, BatchSize = shape.BatchSize * shape.Processes }, sampler, training: true);
                    return one[0]
                        .Chunk(shape.Processes * shape.BatchSize)
                        .Select((batch, k) => (Whole: batch, Parts: many.SelectMany(share => share.Chunk(shape.BatchSize).ElementAt(k))))
                        .All(batch => batch.Whole.Order().SequenceEqual(batch.Parts.Order()));
                },
                iter: 60,
                threads: 1
            );

    [Fact]
    public void Order_DependsOnSeedAndEpoch_NotOnWorkers() =>
        s_shapes.Sample(
            shape =>
            {
                var sampler = new RandomSampler(new RandomSamplerOptions());
                var read = Epochs(shape, sampler, training: true, epoch: 3);
                var again = Epochs(shape with { Workers = (shape.Workers + 2) % 4 }, sampler, training: true, epoch: 3);
                return read.Zip(again).All(pair => pair.First.SequenceEqual(pair.Second));
            },
            iter: 100,
            threads: 1
        );

    [Fact]
    public void Samplers_GiveEachSampleAsOftenAsTheySay() =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 4], Gen.Long, Gen.Int[0, 5])
            .Sample(
                (samples, times, seed, epoch) =>
                {
                    var data = new MemoryDataset(samples);
                    return Counts(new SequentialSampler().Order(data, seed, epoch), samples).All(count => count == 1)
                        && Counts(new RandomSampler(new RandomSamplerOptions()).Order(data, seed, epoch), samples).All(count => count == 1)
                        && Counts(new RepeatSampler(new RepeatSamplerOptions(times)).Order(data, seed, epoch), samples)
                            .All(count => count == times)
                        && Counts(new ClassBalancedSampler(new ClassBalancedSamplerOptions(0.1)).Order(data, seed, epoch), samples)
                            .All(count => count >= 1);
                },
                iter: 200,
                threads: 1
            );

    private static int[] Counts(IReadOnlyList<int> order, int samples)
    {
        var counts = new int[samples];
        foreach (var index in order)
            counts[index]++;
        return counts;
    }

    /// <summary>The indices that each process reads in an epoch, in order.</summary>
    private static List<List<int>> Epochs(Shape shape, Sampler? sampler, bool training, bool dropLast = false, int epoch = 0)
    {
        var shares = new List<List<int>>();
        for (var rank = 0; rank < shape.Processes; rank++)
        {
            using var loader = new BatchLoaderFactory().Create(
                new MemoryDataset(shape.Samples),
                [],
                sampler,
                new LoaderOptions(shape.BatchSize, shape.Workers, DropLast: dropLast),
                shape.Seed,
                training,
                rank,
                shape.Processes
            );
            var indices = new List<int>();
            foreach (var batch in loader.Epoch(epoch))
                using (batch)
                    indices.AddRange(batch.Samples.Select(sample => (int)sample.Index));
            shares.Add(indices);
        }
        return shares;
    }
}
