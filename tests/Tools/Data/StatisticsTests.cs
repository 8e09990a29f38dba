using Tessera.Balance;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Tools.Statistics;

namespace Tessera.Tests.Tools.Data;

public sealed class StatisticsTests
{
    private static Image Picture(int seed, int height = 120, int width = 160)
    {
        var random = new Random(seed);
        var coarse = new Image(6, 8, 3);
        random.NextBytes(coarse.Bytes);
        return Resampler.Resize(coarse, height, width, Interpolation.Bicubic);
    }

    private static Fingerprint Of(byte[] file) => Fingerprint.Of(file, ImageCodec.Open(file, "test"));

    [Fact]
    public void Duplicates_SameResizedCompressedBrighter_AreFound_OthersAreNot()
    {
        var original = Picture(1);
        var brighter = original.Clone();
        foreach (ref var value in brighter.Bytes.AsSpan())
            value = (byte)Math.Min(255, value * 4 / 5 + 30);
        List<Fingerprint?> prints =
        [
            Of(ImageCodec.EncodePng(original)),
            Of(ImageCodec.EncodePng(original)),
            Of(ImageCodec.EncodeJpeg(original, 70)),
            Of(ImageCodec.EncodePng(Resampler.Resize(original, 60, 90))),
            Of(ImageCodec.EncodePng(brighter)),
            null,
        ];
        for (var seed = 2; seed < 60; seed++)
            prints.Add(Of(ImageCodec.EncodePng(Picture(seed))));
        var pairs = Duplicates.Find(prints);
        Assert.Equal(new DuplicatePair(0, 1, true, 1), pairs[0]);
        Assert.Equal(
            [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)],
            pairs.Select(pair => (pair.First, pair.Second)).Order()
        );
        Assert.Equal((1, 5), Duplicates.Group(pairs));
    }

    [Fact]
    public void Duplicates_RandomHashes_AreThoseOfABruteForce()
    {
        var random = new Random(3);
        var prints = new List<Fingerprint?>();
        for (var i = 0; i < 400; i++)
        {
            var columns = (ulong)random.NextInt64();
            var rows = (ulong)random.NextInt64();
            if (i % 3 != 0 && prints[i - i % 3] is { } like) // up to 12 bits away: on both sides of the limit
            {
                (columns, rows) = (like.Columns, like.Rows);
                for (var flips = random.Next(13); flips > 0; flips--)
                    if (random.Next(2) == 0)
                        columns ^= 1UL << random.Next(64);
                    else
                        rows ^= 1UL << random.Next(64);
            }
            prints.Add(new Fingerprint((UInt128)i, columns, rows, new byte[256]));
        }
        var expected =
            from i in Enumerable.Range(0, prints.Count)
            from j in Enumerable.Range(i + 1, prints.Count - i - 1)
            where prints[i]!.Distance(prints[j]!) <= Duplicates.MostDistance
            select (i, j);
        var found = Duplicates.Find(prints).Select(pair => (pair.First, pair.Second)).Order().ToArray();
        Assert.Equal(expected, found);
        Assert.True(found.Length > 50);
    }

    [Fact]
    public void Similarity_FlatImages_ByTheirGrey()
    {
        Assert.Equal(1, Flat(100).Similarity(Flat(101)));
        Assert.Equal(0, Flat(100).Similarity(Flat(200)));
        Assert.Equal(0, Flat(100).Similarity(Of(ImageCodec.EncodePng(Picture(1)))));

        static Fingerprint Flat(byte value)
        {
            var image = new Image(20, 20, 1);
            image.Bytes.AsSpan().Fill(value);
            return Fingerprint.Of(image);
        }
    }

    [Fact]
    public void Group_Chains_HangTogether() =>
        Assert.Equal((2, 4), Duplicates.Group([new(0, 1, false, 1), new(2, 3, false, 1), new(1, 2, false, 1), new(7, 9, true, 1)]));

    [Fact]
    public void MaxByCount_ByHand() => Assert.Equal([1, 4, 1, 2], ClassWeights.MaxByCount([100, 25, 0, 50]));

    // Frequencies: 60 / 100, 30 / 60, 10 / 100. Their median is 0.5.
    [Fact]
    public void MedianFrequency_ByHand()
    {
        var weights = ClassWeights.MedianFrequency([60, 30, 10, 0], [100, 60, 100, 0]);
        Assert.Equal([0.5 / 0.6, 1, 5, 1], weights, (expected, actual) => Math.Abs(expected - actual) < 1e-12);
    }

    // beta 0.5: (1 - 0.5) / (1 - 0.5^n) is 1, 2/3, 4/7 for n of 1, 2, 3; their mean is 47/63.
    [Fact]
    public void EffectiveNumber_ByHand()
    {
        var weights = ClassWeights.EffectiveNumber([1, 2, 3, 0], 0.5);
        Assert.Equal([63.0 / 47, 42.0 / 47, 36.0 / 47, 1], weights, (expected, actual) => Math.Abs(expected - actual) < 1e-12);
    }

    [Fact]
    public void EffectiveNumber_Beta0_WeighsAllAlike_BetaNear1_AsTheInverse()
    {
        Assert.Equal([1, 1], ClassWeights.EffectiveNumber([10, 1000], 0));
        var weights = ClassWeights.EffectiveNumber([10, 1000], 1 - 1e-9);
        Assert.Equal(100, weights[0] / weights[1], 3);
    }

    // Pixels in the millions: the default must not weigh every class alike, as the betas for images do.
    [Fact]
    public void DefaultBeta_ForPixels_StillTellsClassesApart()
    {
        long[] counts = [20_000_000, 200_000];
        var weights = ClassWeights.EffectiveNumber(counts, ClassWeights.DefaultBeta(counts, pixels: true));
        Assert.InRange(weights[0] / weights[1], 0.01, 0.02);
        Assert.Equal(1, ClassWeights.EffectiveNumber(counts, 0.9999)[0], 6);
    }

    [Fact]
    public void Boxes_ByHand()
    {
        var boxes = new Boxes(
            [
                0,
                0,
                10,
                20, /* repeats */
                0,
                0,
                10,
                20, /* leaves */
                90,
                0,
                110,
                40, /* no width */
                5,
                5,
                5,
                9, /* not a number */
                float.NaN,
                0,
                1,
                1, /* large */
                0,
                0,
                100,
                100,
            ],
            [0, 0, 1, 1, 0, 2],
            [false, false, false, false, false, true]
        );
        var statistics = new BoxStatistics(
            3,
            [
                new("a")
                {
                    Height = 100,
                    Width = 100,
                    Boxes = boxes,
                },
                new("b") { Height = 100, Width = 100 },
            ]
        );
        Assert.Equal([3, 2, 1], statistics.PerClass);
        Assert.Equal(["a", "a"], statistics.Degenerate);
        Assert.Equal(["a"], statistics.Outside);
        Assert.Equal(["a"], statistics.Duplicate);
        Assert.Equal([3, 0, 1], statistics.BySize); // 200, 200 and 800 pixels²; 10,000
        Assert.Equal([6, 0], statistics.PerImage);
        Assert.Equal(1, statistics.Ignored);
        Assert.Equal((10, 100), (statistics.Widths.Least, statistics.Widths.Greatest));
        Assert.Equal((1, 2), (statistics.Ratios.Least, statistics.Ratios.Greatest));
    }
}
