using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Transforms;

public class PhotoMetricDistortionTests
{
    private static byte[] Apply(byte[] pixels, int seed, PhotoMetricDistortionOptions options, int channels = 3)
    {
        var sample = new Sample
        {
            Index = 0,
            Name = "x",
            Image = new(new Image(1, pixels.Length / channels, channels, PixelType.UInt8, pixels)),
        };
        return new PhotoMetricDistortion(options).Apply(sample, RandomSource.For(0, 0, seed)).Image!.Decode().Bytes;
    }

    [Fact]
    public void BrightnessAndContrast_ByHand()
    {
        // (x + 10) cut to 255, times 0.5, truncated: 110 -> 60, 250 -> 127, 0 -> 5.
        Assert.Equal(
            [60, 127, 5],
            ColorOperations.BrightnessAndContrast(new Image(1, 1, 3, PixelType.UInt8, [110, 250, 0]), 10, 0.5).Bytes
        );
        // (x - 20) cut to 0, times 1.5, cut to 255: 10 -> 0, 120 -> 150, 255 -> 255.
        Assert.Equal(
            [0, 150, 255],
            ColorOperations.BrightnessAndContrast(new Image(1, 1, 3, PixelType.UInt8, [10, 120, 255]), -20, 1.5).Bytes
        );
    }

    [Fact]
    public void SaturationZero_GivesGrayOfTheLargestChannel()
    {
        var gray = ColorOperations.SaturationAndHue(new Image(1, 2, 3, PixelType.UInt8, [200, 100, 50, 10, 20, 30]), 0, 0).Bytes;
        Assert.Equal([200, 200, 200, 30, 30, 30], gray);
    }

    [Fact]
    public void HueByAThird_TurnsRedToGreen()
    {
        var turned = ColorOperations.SaturationAndHue(new Image(1, 1, 3, PixelType.UInt8, [200, 0, 0]), 1, 1 / 3.0).Bytes;
        Assert.InRange(turned[0], 0, 6);
        Assert.Equal(200, turned[1]);
        Assert.InRange(turned[2], 0, 6);
    }

    [Fact]
    public void EachPart_HappensAboutHalfTheTime_WithinItsRange()
    {
        var changed = 0;
        for (var seed = 0; seed < 400; seed++)
        {
            var value = Apply([100, 100, 100], seed, new(BrightnessDelta: 32, ContrastRange: [1, 1], SaturationRange: [1, 1], HueDelta: 0))[
                0
            ];
            Assert.InRange(value, 68, 132);
            if (value != 100)
                changed++;
        }
        Assert.InRange(changed, 150, 250);
        for (var seed = 0; seed < 50; seed++)
            Assert.Equal([100, 150, 200], Apply([100, 150, 200], seed, new(Prob: 0)));
    }

    [Fact]
    public void GrayAndWrongImages()
    {
        Assert.Equal(2, Apply([100, 30], 1, new(), channels: 1).Length);
        Assert.Throws<UserErrorException>(() =>
            new PhotoMetricDistortion(new()).Apply(
                new Sample
                {
                    Index = 0,
                    Name = "x",
                    Image = new(new Image(1, 1, 3, PixelType.Float32)),
                },
                new RandomSource(1)
            )
        );
        Assert.Contains(
            "contrast_range [2, 1] is no range",
            Assert.Throws<UserErrorException>(() => new PhotoMetricDistortion(new(ContrastRange: [2, 1]))).Message,
            StringComparison.Ordinal
        );
    }
}
