using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>A resize that waits for the crop behind it gives what the two give one after the other.</summary>
public class ResizedImageTests
{
    [Theory]
    [InlineData(0.7)]
    [InlineData(1.0)]
    [InlineData(1.63)]
    public void CropOfAResizedFile_IsTheCropOfTheResizedPixels(double scale)
    {
        var file = ImageFixture.Bytes("baseline.jpg");
        var whole = ImageCodec.Decode(file, "x");
        var (height, width) = ((int)(whole.Height * scale + 0.5), (int)(whole.Width * scale + 0.5));
        var resized = Resampler.Resize(whole, height, width);
        for (var seed = 0UL; seed < 6; seed++)
        {
            var size = new HeightWidth(height / 2 + (int)seed, width / 3 + (int)seed);
            var sample = new Sample
            {
                Index = 0,
                Name = "x",
                ReadFile = () => file,
            };
            sample = new LoadImage(new LoadImageOptions()).Apply(sample, new RandomSource(0));
            sample.Truth.SegmentationMap = new Image(whole.Height, whole.Width, 1);
            sample = new RandomResize(new RandomResizeOptions([scale, scale])).Apply(sample, new RandomSource(seed));
            Assert.NotNull(sample.Image!.Encoded);
            sample = new RandomCrop(new RandomCropOptions(size)).Apply(sample, new RandomSource(seed));
            Assert.NotNull(sample.Image!.Encoded);
            Assert.Equal((size.Height, size.Width), sample.Image.Size);
            Assert.Equal((size.Height, size.Width), (sample.Truth.SegmentationMap!.Height, sample.Truth.SegmentationMap.Width));

            var (top, left) = ((int)MathF.Round(-sample.Geometry!.Transform.M32), (int)MathF.Round(-sample.Geometry!.Transform.M31));
            var expected = PixelLayout.Crop(resized, top, left, size.Height, size.Width);
            Assert.True(TestImages.Largest(expected, sample.Image.Decode()) <= 1);
        }
    }

    [Fact]
    public void NearestLabels_AreThoseUnderEachPixelsMiddle()
    {
        var random = new RandomSource(3);
        foreach (
            var (height, width, newHeight, newWidth) in ((int, int, int, int)[])
                [(7, 5, 20, 13), (30, 40, 11, 9), (6, 6, 6, 6), (3, 9, 3, 27)]
        )
        {
            var map = new Image(
                height,
                width,
                1,
                PixelType.UInt8,
                [.. Enumerable.Range(0, height * width).Select(_ => (byte)random.Next(256))]
            );
            var moved = Resampler.Resize(map, newHeight, newWidth, Interpolation.Nearest);
            for (var y = 0; y < newHeight; y++)
            for (var x = 0; x < newWidth; x++)
                Assert.Equal(
                    map.Bytes[(int)((y + 0.5) * ((double)height / newHeight)) * width + (int)((x + 0.5) * ((double)width / newWidth))],
                    moved.Bytes[y * newWidth + x]
                );
        }
    }
}

internal static class TestImages
{
    /// <summary>The largest difference between two 8-bit images of one size.</summary>
    public static int Largest(Image a, Image b)
    {
        Assert.Equal((a.Height, a.Width, a.Channels), (b.Height, b.Width, b.Channels));
        return a.Bytes.Zip(b.Bytes, (x, y) => Math.Abs(x - y)).Max();
    }
}
