using System.Runtime.InteropServices;
using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Images;

public class ResamplerTests
{
    private static readonly byte[] Expected = ImageFixture.Inflate("resize.raw");
    private static readonly Image Source = ImageCodec.Load(ImageFixture.Path("resize-source.png"));

    [Theory]
    [InlineData(Interpolation.Nearest)]
    [InlineData(Interpolation.Box)]
    [InlineData(Interpolation.Bilinear)]
    [InlineData(Interpolation.Hamming)]
    [InlineData(Interpolation.Bicubic)]
    [InlineData(Interpolation.Lanczos)]
    public void Resize_AgreesWithPillowWithinOneLevel(Interpolation filter)
    {
        var cases = 0;
        foreach (
            var entry in FixtureFile
                .Json("images", "resize.json")
                .EnumerateArray()
                .Where(entry => entry.GetProperty("filter").GetString() == filter.ToString())
        )
        {
            cases++;
            var (width, height) = (entry.GetProperty("width").GetInt32(), entry.GetProperty("height").GetInt32());
            var source = As(entry.GetProperty("mode").GetString()!);
            var actual =
                entry.TryGetProperty("box", out var box) ? Resampler.Resize(source, Box(box), height, width, filter)
                : entry.TryGetProperty("crop", out var crop) ? CropAndResize(source, Box(crop), height, width, filter)
                : Resampler.Resize(source, height, width, filter);
            var expected = Expected.AsSpan(entry.GetProperty("offset").GetInt32(), actual.Bytes.Length);
            if (actual.Type == PixelType.Float32)
            {
                var floats = MemoryMarshal.Cast<byte, float>(expected);
                for (var i = 0; i < floats.Length; i++)
                    Assert.Equal(floats[i], actual.Pixels<float>()[i], 1e-3f);
            }
            else
            {
                Assert.True(
                    ImageFixture.LargestDifference(expected, actual.Bytes) <= (filter == Interpolation.Nearest ? 0 : 1),
                    entry.ToString()
                );
            }
        }
        Assert.InRange(cases, 12, 20);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Resize_AnyChannelCountAndType_AgreesWithFloat(int channels)
    {
        var image = ImageFixture.Noise(23, 31, channels);
        var floats = new Image(23, 31, channels, PixelType.Float32);
        var words = new Image(23, 31, channels, PixelType.UInt16);
        for (var i = 0; i < image.Bytes.Length; i++)
            (floats.Pixels<float>()[i], words.Pixels<ushort>()[i]) = (image.Bytes[i], image.Bytes[i]);
        var random = new RandomSource((ulong)channels);
        for (var round = 0; round < 60; round++)
        {
            // Filters without negative weights: 8 bits between the passes clip otherwise.
            var filter = round % 2 == 0 ? Interpolation.Bilinear : Interpolation.Box;
            var (height, width) = (random.Next(1, 60), random.Next(1, 60));
            var (cropHeight, cropWidth) = (random.Next(1, 24), random.Next(1, 32));
            var (top, left) = (random.Next(24 - cropHeight), random.Next(32 - cropWidth));
            var exact = Resampler.CropAndResize(floats, top, left, cropHeight, cropWidth, height, width, filter).Pixels<float>().ToArray();
            var bytes = Resampler.CropAndResize(image, top, left, cropHeight, cropWidth, height, width, filter).Bytes;
            var rounded = Resampler
                .CropAndResize(words, top, left, cropHeight, cropWidth, height, width, filter)
                .Pixels<ushort>()
                .ToArray();
            for (var i = 0; i < exact.Length; i++)
            {
                Assert.InRange(bytes[i], exact[i] - 1.1, exact[i] + 1.1);
                Assert.InRange(rounded[i], exact[i] - 0.51, exact[i] + 0.51);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Resize_EveryLevel_GivesTheSamePixels(int channels)
    {
        var random = new RandomSource((ulong)channels);
        Interpolation[] filters =
        [
            Interpolation.Box,
            Interpolation.Bilinear,
            Interpolation.Hamming,
            Interpolation.Bicubic,
            Interpolation.Lanczos,
        ];
        for (var round = 0; round < 120; round++)
        {
            var (viewHeight, viewWidth) = (random.Next(1, 50), random.Next(1, 60));
            var (top, left) = (random.Next(0, 3), random.Next(0, 3));
            var image = ImageFixture.Noise(
                top + viewHeight + random.Next(0, 2),
                left + viewWidth + random.Next(0, 2),
                channels,
                seed: (ulong)round + 1
            );
            var filter = filters[round % filters.Length];
            var horizontal = ResampleKernel.Create(viewWidth, 0, viewWidth, random.Next(1, 80), filter, round % 3 != 0);
            var vertical = ResampleKernel.Create(viewHeight, 0, viewHeight, random.Next(1, 80), filter, round % 3 != 0);
            var plain = Resampler.Apply(image, top, left, horizontal, vertical, filter, SimdLevel.Scalar);
            foreach (var level in GeometryFixture.Levels)
                Assert.Equal(plain.Bytes, Resampler.Apply(image, top, left, horizontal, vertical, filter, level).Bytes);
        }
    }

    [Theory]
    [InlineData(Interpolation.Bilinear)]
    [InlineData(Interpolation.Bicubic)]
    [InlineData(Interpolation.Lanczos)]
    public void Resize_FlatImage_StaysFlat(Interpolation filter)
    {
        foreach (byte value in (byte[])[0, 1, 127, 254, 255])
        {
            var image = new Image(40, 30, 3);
            image.Bytes.AsSpan().Fill(value);
            for (var size = 1; size < 120; size += 7)
                Assert.All(Resampler.Resize(image, size, 121 - size, filter).Bytes, pixel => Assert.Equal(value, pixel));
        }
    }

    [Fact]
    public void Resize_HugeShrink_Works()
    {
        var image = ImageFixture.Noise(3000, 5, 3);
        Assert.All(Resampler.Resize(image, 1, 5).Bytes, pixel => Assert.InRange(pixel, 110, 145));
    }

    [Fact]
    public void Resize_BoxOutsideTheImage_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Resampler.Resize(Source, new SourceBox(0, 0, Source.Width + 1, 5), 4, 4));

    private static Image CropAndResize(Image image, SourceBox crop, int height, int width, Interpolation filter) =>
        Resampler.CropAndResize(
            image,
            (int)crop.Top,
            (int)crop.Left,
            (int)(crop.Bottom - crop.Top),
            (int)(crop.Right - crop.Left),
            height,
            width,
            filter
        );

    private static SourceBox Box(JsonElement element) =>
        new(element[0].GetDouble(), element[1].GetDouble(), element[2].GetDouble(), element[3].GetDouble());

    private static Image As(string mode)
    {
        switch (mode)
        {
            case "RGB":
                return Source;
            case "L":
                return ChannelConversion.ToGray(Source);
            case "RGBA":
                var four = new Image(Source.Height, Source.Width, 4);
                for (var i = 0; i < Source.Height * Source.Width; i++)
                {
                    Source.Bytes.AsSpan(i * 3, 3).CopyTo(four.Bytes.AsSpan(i * 4));
                    four.Bytes[i * 4 + 3] = Source.Bytes[i * 3 + 1];
                }
                return four;
            default:
                // Pillow's "F" of an RGB image: luma without rounding.
                var floats = new Image(Source.Height, Source.Width, 1, PixelType.Float32);
                for (var i = 0; i < floats.Pixels<float>().Length; i++)
                    floats.Pixels<float>()[i] =
                        (Source.Bytes[i * 3] * 299 + Source.Bytes[i * 3 + 1] * 587 + Source.Bytes[i * 3 + 2] * 114) / 1000f;
                return floats;
        }
    }
}
