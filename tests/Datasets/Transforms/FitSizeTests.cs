using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>The scene has 60 x 80 pixels.</summary>
public class FitSizeTests
{
    private static Sample Fit(FitSizeOptions options, ulong seed = 1) =>
        new FitSize(options).Apply(TestScene.Create(), new RandomSource(seed));

    [Theory]
    [InlineData(FitMode.OnlyScale, 120, 120, 0, 0)]
    [InlineData(FitMode.OnlyPad, 120, 120, 60, 40)]
    [InlineData(FitMode.ScaleAndPad, 120, 120, 30, 0)] // 60 x 80 fits as 90 x 120
    [InlineData(FitMode.ScaleAndPad, 30, 100, 0, 60)] // as 30 x 40
    public void FixSize_ComesToTheSize_WithLabelsIgnoredOutside(FitMode fit, int height, int width, int below, int beside)
    {
        var sample = Fit(new(InputSize: new(height, width), Fit: fit));
        Assert.Equal((height, width), sample.Image?.Size);
        Assert.Equal((0, 0, beside, below), sample.Geometry!.Padding);
        var map = sample.Truth.SegmentationMap!;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var outside = y >= height - below || x >= width - beside;
                Assert.Equal(outside, map.Bytes[y * width + x] == 255);
                if (outside)
                    Assert.Equal(0, sample.Image!.Decode().Bytes[(y * width + x) * 3]);
            }
        }
    }

    [Theory]
    [InlineData(PadPosition.RightDown, 0, 0)]
    [InlineData(PadPosition.LeftUp, 40, 20)]
    [InlineData(PadPosition.Center, 20, 10)]
    public void Position_SaysWhereTheImageLies_AndBoxesFollow(PadPosition position, int top, int left)
    {
        foreach (
            var sample in new[]
            {
                Fit(new(InputSize: new(100, 100), Fit: FitMode.OnlyPad, Position: position)),
                new Pad(new(new HeightWidth(100, 100), Position: position)).Apply(TestScene.Create(), new RandomSource(1)),
            }
        )
        {
            Assert.Equal((100, 100), sample.Image?.Size);
            Assert.Equal([8 + left, 10 + top, 30 + left, 26 + top], sample.Truth.Boxes!.Corners[..4]);
            Assert.Equal(1, sample.Truth.SegmentationMap!.Bytes[(10 + top) * 100 + 8 + left]);
            Assert.Equal(200, sample.Image!.Decode().Bytes[((10 + top) * 100 + 8 + left) * 3]);
        }
    }

    [Fact]
    public void Position_Random_ReachesBothEnds()
    {
        var tops = Enumerable
            .Range(0, 60)
            .Select(seed =>
                Fit(new(InputSize: new(63, 80), Fit: FitMode.OnlyPad, Position: PadPosition.Random), (ulong)seed).Geometry!.Padding.Top
            )
            .ToArray();
        Assert.Equal([0, 1, 2, 3], tops.Distinct().Order());
    }

    [Fact]
    public void DiverseSize_KeepsTheSize_MadeDivisible()
    {
        var sample = Fit(new(SizeMode.DiverseSize, SizeDivisor: 32));
        Assert.Equal((64, 96), sample.Image?.Size);
        Assert.Equal((60, 80), Fit(new(SizeMode.DiverseSize)).Image?.Size);
    }

    [Fact]
    public void Mistakes_AreTold()
    {
        Assert.Contains(
            "scene: an image of 60 x 80 can't be padded to 50 x 100",
            Assert.Throws<UserErrorException>(() => Fit(new(InputSize: new(50, 100), Fit: FitMode.OnlyPad))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains("needs input_size", Assert.Throws<UserErrorException>(() => Fit(new())).Message, StringComparison.Ordinal);
        Assert.Contains(
            "takes no input_size",
            Assert.Throws<UserErrorException>(() => Fit(new(SizeMode.DiverseSize, new(5, 5)))).Message,
            StringComparison.Ordinal
        );
    }
}
