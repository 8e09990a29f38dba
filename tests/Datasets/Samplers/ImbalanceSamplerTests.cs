using Tessera.Datasets.Loading;
using Tessera.Datasets.Samplers;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Samplers;

/// <summary>Samplers against imbalance, by exact counts over an epoch and means over many.</summary>
public sealed class ImbalanceSamplerTests
{
    /// <summary>Samples of these classes each.</summary>
    private sealed class Labeled(params int[][] labels) : Dataset
    {
        public override int Count => labels.Length;
        public override DataInfo Info { get; } = new(["many", "some", "one"], DataTask.MultiLabel);

        public override Sample Get(int index) => MemoryDataset.Pixel(index, 0, null);

        public override IReadOnlyList<int>? LabelsOf(int index) => labels[index];

        /// <summary>90 of class 0, 9 of class 1, 1 of class 2.</summary>
        public static Labeled Skewed() =>
            new([
                .. Enumerable
                    .Range(0, 100)
                    .Select(i =>
                        new[]
                        {
                            i < 90 ? 0
                            : i < 99 ? 1
                            : 2,
                        }
                    ),
            ]);
    }

    private static int[] Counts(IReadOnlyList<int> order, int samples)
    {
        var counts = new int[samples];
        foreach (var index in order)
            counts[index]++;
        return counts;
    }

    [Theory]
    [InlineData(0.0005, 1.41421)] // sqrt(0.001 / 0.0005) = sqrt(2)
    [InlineData(0.00025, 2)] // sqrt(4)
    [InlineData(0.001, 1)]
    [InlineData(0.5, 1)]
    public void RepeatFactor_IsThePapers(double share, double expected) =>
        Assert.Equal(expected, RepeatFactorSampler.FactorOf(share, 0.001), 5);

    /// <summary>Threshold 0.25: sqrt(0.25 / 0.9) is below 1, sqrt(0.25 / 0.09) = 5/3, sqrt(0.25 / 0.01) = 5. An epoch has 90 + 9 · 5/3 + 5 =
    /// 110 samples.</summary>
    [Fact]
    public void RepeatFactor_EachEpoch_IsExactInSum_AndRoundsUpOrDown()
    {
        var (data, sampler) = (Labeled.Skewed(), new RepeatFactorSampler(new(0.25)));
        var sums = new int[100];
        const int Epochs = 3000;
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            var order = sampler.Order(data, 7, epoch);
            Assert.Equal(110, order.Count);
            var counts = Counts(order, 100);
            Assert.All(counts[..90], count => Assert.Equal(1, count));
            Assert.All(counts[90..99], count => Assert.InRange(count, 1, 2));
            Assert.Equal(6, counts[90..99].Count(count => count == 2));
            Assert.Equal(5, counts[99]);
            for (var i = 0; i < 100; i++)
                sums[i] += counts[i];
        }
        // standard deviation of a mean: sqrt(2/3 · 1/3 / 3000) = 0.0086
        Assert.All(sums[90..99], sum => Assert.Equal(5.0 / 3, (double)sum / Epochs, 0.04));
    }

    /// <summary>A sum of factors that is not whole: 3 samples of share 1/3 each and threshold 2/3, sqrt(2) each, 4.24 in all. Epochs of 5; the
    /// place that 4.24 leaves is anyone's.</summary>
    [Fact]
    public void RepeatFactor_SumThatIsNotWhole_GivesEpochsOfOneLength()
    {
        var (data, sampler) = (new Labeled([0], [1], [2]), new RepeatFactorSampler(new(2.0 / 3)));
        var sums = new int[3];
        for (var epoch = 0; epoch < 3000; epoch++)
        {
            var order = sampler.Order(data, 1, epoch);
            Assert.Equal(5, order.Count);
            foreach (var index in order)
                sums[index]++;
        }
        Assert.All(sums, sum => Assert.Equal(5.0 / 3, sum / 3000.0, 0.05));
    }

    /// <summary>Of several classes the rarest counts: its factor is the largest. Class 2 is in 1 of 4 samples: sqrt(1 / 0.25) = 2; class 1 in 2:
    /// sqrt(2); class 0 in 4: 1. Nothing at all: 1.</summary>
    [Fact]
    public void RepeatFactor_OfSeveralClasses_IsThatOfTheRarest()
    {
        var sampler = new RepeatFactorSampler(new(1));
        for (var epoch = 0; epoch < 50; epoch++)
        {
            var counts = Counts(sampler.Order(new Labeled([0], [0, 1], [2, 0, 1], [0]), 3, epoch), 4);
            Assert.InRange(counts[2], 2, 3); // 2, or it took the place that 5.41 leaves of 6
            Assert.InRange(counts[1], 1, 3);
            Assert.InRange(counts[0], 1, 2);
        }
        Assert.Equal(2, sampler.Order(new Labeled([], [0]), 0, 0).Distinct().Count());
    }

    [Fact]
    public void Undersampling_TakesAtMostSoMany_AndNothingIsThrownAwayForGood()
    {
        var (data, sampler) = (Labeled.Skewed(), new UndersamplingSampler(new(5)));
        var seen = new HashSet<int>();
        for (var epoch = 0; epoch < 400; epoch++)
        {
            var order = sampler.Order(data, 1, epoch);
            Assert.Equal(order.Count, order.Distinct().Count());
            Assert.Equal([5, 5, 1], new[] { order.Count(i => i < 90), order.Count(i => i is >= 90 and < 99), order.Count(i => i == 99) });
            seen.UnionWith(order);
        }
        // A sample of the first class is missed by an epoch with 17/18, by 400 of them with 1e-10.
        Assert.Equal(100, seen.Count);
        Assert.Equal(3, new UndersamplingSampler(new()).Order(data, 1, 0).Count); // as the rarest class
    }

    /// <summary>Classes 0 and 2 share samples: they count for class 2, which is rarer, so that all three of class 2 stay.</summary>
    [Fact]
    public void Undersampling_SeveralClasses_NeverCostsTheRareOne()
    {
        var data = new Labeled([0, 2], [2, 0], [0], [0], [0], [0, 2], [1], [1], [1], [1], [], []);
        for (var epoch = 0; epoch < 50; epoch++)
        {
            var order = new UndersamplingSampler(new(1)).Order(data, 2, epoch);
            Assert.Equal(4, order.Count); // one for each class, and one that shows nothing
            Assert.Single(order, i => i is 0 or 1 or 5);
            Assert.Single(order, i => i is 2 or 3 or 4);
            Assert.Single(order, i => i is >= 6 and < 10);
            Assert.Single(order, i => i >= 10);
        }
    }

    /// <summary>What all processes read together is the sampler's order, whatever their number and that of threads.</summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 3)]
    [InlineData(5, 1)]
    public void Epoch_OverProcessesAndWorkers_IsTheSamplersOrder(int processes, int workers)
    {
        foreach (
            var sampler in new Sampler[]
            {
                new RepeatFactorSampler(new(0.25)),
                new UndersamplingSampler(new(5)),
                new ClassBalancedSampler(new()),
            }
        )
        {
            var data = Labeled.Skewed();
            var expected = sampler.Order(data, 9, 4);
            var shares = Enumerable
                .Range(0, processes)
                .Select(rank =>
                {
                    using var loader = new BatchLoaderFactory().Create(
                        data,
                        [],
                        sampler,
                        new LoaderOptions(4, workers),
                        9,
                        training: true,
                        rank,
                        processes
                    );
                    var indices = new List<int>();
                    foreach (var batch in loader.Epoch(4))
                        using (batch)
                            indices.AddRange(batch.Samples.Select(sample => (int)sample.Index));
                    return indices;
                })
                .ToArray();
            var together = Enumerable.Range(0, shares[0].Count).SelectMany(step => shares.Select(share => share[step]));
            Assert.Equal(expected, together.Take(expected.Count));
        }
    }

    /// <summary>By presence of classes, for every task that has some: drawn by it, all classes come about equally often in the data where
    /// each sample has one; and no image is read.</summary>
    [Theory]
    [InlineData(DataTask.MultiLabel)]
    [InlineData(DataTask.Detection)]
    [InlineData(DataTask.Segmentation)]
    public void ClassBalanced_OtherTasks_DrawRareClassesMoreOften(DataTask task)
    {
        var data = new Shapes(new ShapesOptions(Count: 300, Size: 32, Task: task, MaxShapes: 2));
        var presence = Enumerable
            .Range(0, 300)
            .SelectMany(i => data.LabelsOf(i)!)
            .GroupBy(label => label)
            .ToDictionary(g => g.Key, g => g.Count());
        var rarest = presence.MinBy(pair => pair.Value);
        var (plain, balanced) = (0, 0);
        for (var epoch = 0; epoch < 40; epoch++)
        {
            plain += rarest.Value;
            balanced += new ClassBalancedSampler(new()).Order(data, 5, epoch).Count(i => data.LabelsOf(i)!.Contains(rarest.Key));
        }
        Assert.True(balanced > 1.1 * plain, $"{balanced} against {plain}");
    }
}
