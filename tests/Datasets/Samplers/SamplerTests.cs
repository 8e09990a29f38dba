using Tessera.Datasets.Loading;
using Tessera.Datasets.Samplers;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Samplers;

public sealed class SamplerTests
{
    private static readonly MemoryDataset Hundred = new(100);

    public static TheoryData<Sampler> All =>
        new(
            new SequentialSampler(),
            new RandomSampler(new RandomSamplerOptions()),
            new RandomSampler(new RandomSamplerOptions(Replacement: true, Samples: 250)),
            new RepeatSampler(new RepeatSamplerOptions(3)),
            new RepeatAugSampler(new RepeatAugSamplerOptions(SelectedRound: 8)),
            new ClassBalancedSampler(new ClassBalancedSamplerOptions()),
            new ClassBalancedSampler(new ClassBalancedSamplerOptions(Threshold: 0.2)),
            new RepeatFactorSampler(new RepeatFactorSamplerOptions(0.2)),
            new UndersamplingSampler(new UndersamplingSamplerOptions(3))
        );

    [Theory]
    [MemberData(nameof(All))]
    public void Order_DependsOnSeedAndEpochAlone(Sampler sampler)
    {
        var order = sampler.Order(Hundred, 1, 2);
        Assert.Equal(order, sampler.Order(Hundred, 1, 2));
        Assert.All(order, index => Assert.InRange(index, 0, 99));
        if (sampler is SequentialSampler)
            return;
        Assert.NotEqual(order, sampler.Order(Hundred, 1, 3));
        Assert.NotEqual(order, sampler.Order(Hundred, 2, 2));
        Assert.Equal(order.Count, sampler.Order(Hundred, 2, 3).Count);
    }

    [Fact]
    public void Random_WithoutReplacement_IsAPermutation() =>
        Assert.Equal(Enumerable.Range(0, 100), new RandomSampler(new RandomSamplerOptions()).Order(Hundred, 5, 0).Order());

    [Fact]
    public void Random_FewerSamples_AreDistinct() =>
        Assert.Equal(40, new RandomSampler(new RandomSamplerOptions(Samples: 40)).Order(Hundred, 5, 0).Distinct().Count());

    [Fact]
    public void Random_MoreThanThereAre_IsAnError() =>
        Assert.Contains(
            "can't draw 101 samples of 100",
            Assert.Throws<UserErrorException>(() => new RandomSampler(new RandomSamplerOptions(Samples: 101)).Order(Hundred, 0, 0)).Message
        );

    [Fact]
    public void Repeat_EachPass_IsAPermutation()
    {
        var order = new RepeatSampler(new RepeatSamplerOptions(3)).Order(Hundred, 5, 0);
        Assert.Equal(300, order.Count);
        for (var pass = 0; pass < 3; pass++)
            Assert.Equal(Enumerable.Range(0, 100), order.Skip(100 * pass).Take(100).Order());
        Assert.NotEqual(order.Take(100), order.Skip(100).Take(100));
        Assert.Equal(
            Enumerable.Range(0, 200).Select(i => i % 100),
            new RepeatSampler(new RepeatSamplerOptions(2, Shuffle: false)).Order(Hundred, 5, 0)
        );
    }

    [Fact]
    public void RepeatAug_OverProcesses_EqualsTimm()
    {
        var cases = FixtureFile.Json("augment", "timm.json").GetProperty("repeated").EnumerateArray().ToArray();
        Assert.Equal(7, cases.Length);
        foreach (var entry in cases)
        {
            var options = new RepeatAugSamplerOptions(entry.GetProperty("repeats").GetInt32(), entry.GetProperty("round").GetInt32());
            int[] once = [.. entry.GetProperty("order").EnumerateArray().Select(index => index.GetInt32())];
            var order = new RepeatAugSampler(options).Repeated(once);
            var ranks = entry.GetProperty("ranks").EnumerateArray().ToArray();
            for (var rank = 0; rank < ranks.Length; rank++)
                Assert.Equal(
                    ranks[rank].EnumerateArray().Select(index => index.GetInt32()),
                    Ranks.Share(order, rank, ranks.Length, even: true, cut: true)
                );
        }
    }

    [Fact]
    public void RepeatAug_FewerSamplesThanTheRound_SaysWhatToSet() =>
        Assert.Equal(
            "RepeatAugSampler: 100 samples rounded down to a multiple of 256 are none. Set selected_round to 0.",
            Assert.Throws<UserErrorException>(() => new RepeatAugSampler(new()).Order(Hundred, 0, 0)).Message
        );

    [Fact]
    public void RankOrder_CountsOccurrencesOverAllProcesses()
    {
        int[] order = [5, 5, 5, 2, 2, 2, 7];
        var shares = Enumerable.Range(0, 3).Select(rank => RankOrder.Of(order, rank, 3, even: false, cut: false)).ToArray();
        Assert.Equal([5, 2, 7], shares[0].Indices);
        Assert.Equal([0, 0, 0], shares[0].Occurrences);
        Assert.Equal([1, 1], shares[1].Occurrences); // the forms of a sample come to different processes, each augmented anew
        Assert.Equal([2, 2], shares[2].Occurrences);
    }

    /// <summary>90 of class 0, 9 of class 1, 1 of class 2.</summary>
    private sealed class Skewed : Dataset
    {
        public override int Count => 100;
        public override DataInfo Info { get; } = new(["many", "some", "one"], DataTask.Classification);

        public override Sample Get(int index) => MemoryDataset.Pixel(index, 0, LabelOf(index));

        public override int? LabelOf(int index) =>
            index < 90 ? 0
            : index < 99 ? 1
            : 2;
    }

    [Fact]
    public void ClassBalanced_Drawn_ShowsEveryClassEquallyOften()
    {
        var (data, sampler) = (new Skewed(), new ClassBalancedSampler(new ClassBalancedSamplerOptions()));
        var counts = new int[3];
        for (var epoch = 0; epoch < 300; epoch++)
            foreach (var index in sampler.Order(data, 1, epoch))
                counts[data.LabelOf(index)!.Value]++;
        // 30,000 draws, a third each: standard deviation sqrt(30000 * 1/3 * 2/3) = 82.
        Assert.All(counts, count => Assert.InRange(count, 9_600, 10_400));
    }

    [Fact]
    public void ClassBalanced_Threshold_RepeatsRareClasses()
    {
        // sqrt(0.25 / 0.9) < 1: once. sqrt(0.25 / 0.09) = 1.67: twice. sqrt(0.25 / 0.01) = 5: five times.
        var order = new ClassBalancedSampler(new ClassBalancedSamplerOptions(Threshold: 0.25)).Order(new Skewed(), 1, 0);
        Assert.Equal(90 + 18 + 5, order.Count);
        Assert.All(Enumerable.Range(0, 90), index => Assert.Single(order, index));
        Assert.All(Enumerable.Range(90, 9), index => Assert.Equal(2, order.Count(i => i == index)));
        Assert.Equal(5, order.Count(i => i == 99));
    }

    [Theory]
    [InlineData(10, 3, true, false)]
    [InlineData(10, 3, true, true)]
    [InlineData(10, 3, false, false)]
    [InlineData(2, 4, false, false)]
    [InlineData(2, 5, true, false)]
    public void Share_OverAllRanks_CoversTheOrder(int count, int worldSize, bool even, bool cut)
    {
        var order = Enumerable.Range(100, count).ToArray();
        var shares = Enumerable.Range(0, worldSize).Select(rank => Ranks.Share(order, rank, worldSize, even, cut)).ToArray();
        if (even)
            Assert.Single(shares.Select(share => share.Length).Distinct());
        var together = Enumerable
            .Range(0, shares.Max(share => share.Length))
            .SelectMany(step => shares.Where(share => step < share.Length).Select(share => share[step]))
            .ToArray();
        var expected =
            !even ? order
            : cut ? order[..(count / worldSize * worldSize)]
            : [.. Enumerable.Range(0, (count + worldSize - 1) / worldSize * worldSize).Select(i => order[i % count])];
        Assert.Equal(expected, together);
    }
}
