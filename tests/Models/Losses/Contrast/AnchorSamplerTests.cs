using Tessera.Framework.Data;
using Tessera.Models.Losses.Contrast;

namespace Tessera.Tests.Models.Losses.Contrast;

public sealed class AnchorSamplerTests
{
    [Theory]
    [InlineData(10, 10, 8, Shortfall.Other, 4, 4)]
    [InlineData(10, 10, 7, Shortfall.Other, 3, 4)]
    [InlineData(2, 10, 8, Shortfall.Other, 2, 6)]
    [InlineData(10, 1, 8, Shortfall.Other, 7, 1)]
    [InlineData(2, 1, 8, Shortfall.Other, 2, 1)]
    [InlineData(0, 1, 8, Shortfall.Other, 0, 1)]
    [InlineData(2, 10, 8, Shortfall.Repeat, 4, 4)]
    [InlineData(2, 1, 8, Shortfall.Repeat, 4, 4)]
    [InlineData(0, 3, 8, Shortfall.Repeat, 0, 8)]
    [InlineData(3, 0, 8, Shortfall.Repeat, 8, 0)]
    public void Draw_OneGroup_TakesHalfOfEachKindOrFillsUp(
        int hard,
        int easy,
        int views,
        Shortfall shortfall,
        int hardAnchors,
        int easyAnchors
    )
    {
        var labels = new long[hard + easy];
        var predictions = Enumerable.Range(0, labels.Length).Select(i => i < hard ? 1L : 0L).ToArray();
        var anchors = new AnchorSampler(1000, views, shortfall).Draw(
            PixelGroups.Find(labels, predictions, 1, 2, 255, 1),
            new RandomSource(1)
        );
        Assert.Equal(hardAnchors, anchors.Pixels.Count(pixel => pixel < hard));
        Assert.Equal(easyAnchors, anchors.Pixels.Count(pixel => pixel >= hard));
        Assert.Equal(1, anchors.Weights.Sum(), 1e-5);
        if (shortfall == Shortfall.Other)
            Assert.Distinct(anchors.Pixels);
        else
            // none twice before all stood once
            Assert.Equal(Math.Min(hard, hardAnchors), anchors.Pixels.Where(pixel => pixel < hard).Distinct().Count());
    }

    // Published code drops an image's classes with fewer than max_views pixels; with few views they count here, too.
    [Fact]
    public void Draw_ManyImages_SharesEvenlyAndKeepsRareClasses()
    {
        // Two images of 100 cells: class 0 everywhere but for 3 cells of class 1 in the second, and 50 ignored in the first.
        var labels = new long[200];
        Array.Fill(labels, 255, 0, 50);
        Array.Fill(labels, 1, 150, 3);
        var predictions = new long[200];
        var groups = PixelGroups.Find(labels, predictions, 2, 2, 255, 1);
        Assert.Equal([(0, 0, 50), (0, 0, 97), (1, 3, 3)], groups.Groups.Select(group => (group.Class, group.Hard, group.Count)));
        var anchors = new AnchorSampler(60, 100, Shortfall.Other).Draw(groups, new RandomSource(1));
        Assert.Equal(
            [20, 20, 3],
            [
                anchors.Pixels.Count(p => p < 100),
                anchors.Pixels.Count(p => p >= 100 && labels[p] == 0),
                anchors.Pixels.Count(p => labels[p] == 1),
            ]
        );
        Assert.Equal(anchors.Pixels.Select(pixel => labels[pixel]), anchors.Classes);
        Assert.Equal(3, anchors.Weights.Sum(), 1e-5);
        Assert.Single(PixelGroups.Find(labels, predictions, 2, 2, ignored: 0, 1).Groups);
        Assert.Equal(2, PixelGroups.Find(labels, predictions, 2, 2, 255, least: 4).Groups.Count);
    }

    [Fact]
    public void Draw_MoreGroupsThanSamples_StaysWithinTheBound()
    {
        var labels = Enumerable.Range(0, 50).Select(i => (long)i).ToArray();
        var groups = PixelGroups.Find(labels, labels, 1, 50, 255, 1);
        Assert.Equal(20, new AnchorSampler(20, 4, Shortfall.Other).Draw(groups, new RandomSource(1)).Pixels.Length);
        Assert.Empty(
            new AnchorSampler(20, 4, Shortfall.Other).Draw(PixelGroups.Find([255, 255], [0, 0], 1, 50, 255, 1), new RandomSource(1)).Pixels
        );
    }

    [Fact]
    public void Draw_AllPixels_EquallyOften()
    {
        var labels = new long[20];
        var random = new RandomSource(5);
        var counts = new int[20];
        for (var i = 0; i < 4000; i++)
            foreach (
                var pixel in new AnchorSampler(100, 5, Shortfall.Other).Draw(PixelGroups.Find(labels, labels, 1, 1, 255, 1), random).Pixels
            )
                counts[pixel]++;
        Assert.All(counts, count => Assert.InRange(count, 850, 1150)); // 1000 expected, standard deviation 27
    }
}
