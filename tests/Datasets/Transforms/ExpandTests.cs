using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>An image on a larger ground.</summary>
public sealed class ExpandTests
{
    [Fact]
    public void Image_LiesSomewhereOnTheGround_WithAllThatBelongsToIt()
    {
        var step = new Expand(new([1.5, 3], Prob: 1, PadVal: [7]));
        var (places, sizes) = (new HashSet<(int, int)>(), new List<double>());
        for (var seed = 0UL; seed < 200; seed++)
        {
            var (before, sample) = (TestScene.Create(), step.Apply(TestScene.Create(), new RandomSource(seed)));
            var (small, large) = (before.Image!.Decode(), sample.Image!.Decode());
            var (left, top) = (sample.Geometry!.Padding.Left, sample.Geometry.Padding.Top);
            places.Add((left, top));
            sizes.Add((double)large.Height / small.Height);
            Assert.Equal(small.Bytes, Tessera.Datasets.Images.PixelLayout.Crop(large, top, left, small.Height, small.Width).Bytes);
            Assert.Equal(
                (large.Height - small.Height) * (long)large.Width + (large.Width - small.Width) * (long)small.Height,
                Ground(large, top, left, small)
            );
            for (var i = 0; i < before.Truth.Boxes!.Corners.Length; i++)
                Assert.Equal(before.Truth.Boxes.Corners[i] + (i % 2 == 0 ? left : top), sample.Truth.Boxes!.Corners[i]);
            Assert.Equal(255, sample.Truth.SegmentationMap!.Bytes[top > 0 || left > 0 ? 0 : ^1]);
        }
        Assert.InRange(sizes.Min(), 1.45, 1.6);
        Assert.InRange(sizes.Max(), 2.9, 3);
        Assert.InRange(sizes.Average(), 2.1, 2.4);
        Assert.True(places.Count > 150);
    }

    /// <summary>Pixels outside the image that have the ground's value.</summary>
    private static long Ground(Image large, int top, int left, Image small)
    {
        var count = 0L;
        for (var y = 0; y < large.Height; y++)
        for (var x = 0; x < large.Width; x++)
        {
            var inside = y >= top && y < top + small.Height && x >= left && x < left + small.Width;
            var pixel = large.Bytes.AsSpan((y * large.Width + x) * large.Channels, large.Channels);
            if (!inside && !pixel.ContainsAnyExcept((byte)7))
                count++;
        }
        return count;
    }

    [Fact]
    public void Prob_AndMistakes()
    {
        var step = new Expand(new(Prob: 0.3));
        var size = TestScene.Create().Image!.Size;
        var kept = Enumerable
            .Range(0, 500)
            .Count(seed => step.Apply(TestScene.Create(), new RandomSource((ulong)seed)).Image!.Size == size);
        Assert.InRange(kept, 310, 390);
        foreach (
            var ratio in (double[][])
                [
                    [0.5, 2],
                    [3, 2],
                    [1, 17],
                    [double.NaN, 2],
                ]
        )
            Assert.Contains(
                "ratio_range",
                Assert.Throws<UserErrorException>(() => new Expand(new(ratio))).Message,
                StringComparison.Ordinal
            );
    }
}
