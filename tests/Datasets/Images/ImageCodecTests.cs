using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images;

public class ImageCodecTests
{
    public static TheoryData<string> ColorFiles =>
        [
            .. ImageFixture.Names.Where(name =>
                !name.Contains('+')
                && !name.Contains("-16", StringComparison.Ordinal)
                && !name.StartsWith("gray-2", StringComparison.Ordinal)
                && !name.StartsWith("gray-4", StringComparison.Ordinal)
            ),
        ];

    [Theory]
    [MemberData(nameof(ColorFiles))]
    public void Decode_Color_EqualsPillow(string name)
    {
        var image = ImageCodec.Load(ImageFixture.Path(name));
        // The pixels may differ by a rounding where Pillow was built with another libjpeg-turbo or libwebp.
        var tolerance = name.EndsWith(".jpg", StringComparison.Ordinal) || name == "lossy.webp" ? 1 : 0;
        Assert.InRange(ImageFixture.LargestDifference(ImageFixture.Reference(name), image), 0, tolerance);
    }

    [Theory]
    [InlineData("gray-2.png")]
    [InlineData("gray-4.png")]
    [InlineData("gray-16.png")]
    [InlineData("rgb-16.png")]
    public void Decode_Unchanged_KeepsChannelsAndDepth(string name)
    {
        var image = ImageCodec.Load(ImageFixture.Path(name), new DecodeOptions(ColorType.Unchanged));
        var reference = ImageFixture.Reference(name);
        Assert.Equal(
            (reference.Height, reference.Width, reference.Channels, reference.Type),
            (image.Height, image.Width, image.Channels, image.Type)
        );
        Assert.Equal(reference.Bytes, image.Bytes);
    }

    [Theory]
    [InlineData("palette-transparent.png")]
    [InlineData("alpha.webp")]
    public void Decode_Unchanged_KeepsTransparency(string name) =>
        Assert.Equal(
            0,
            ImageFixture.LargestDifference(
                ImageFixture.Reference(name + "+rgba"),
                ImageCodec.Load(ImageFixture.Path(name), new DecodeOptions(ColorType.Unchanged))
            )
        );

    [Theory]
    [InlineData("palette.png", "palette.png+index")]
    [InlineData("palette.bmp", "palette.png+index")]
    [InlineData("gray-2.png", "gray-2.png+index")]
    [InlineData("gray-4.png", "gray-4.png+index")]
    public void Decode_Index_KeepsStoredValues(string name, string reference) =>
        Assert.Equal(
            0,
            ImageFixture.LargestDifference(
                ImageFixture.Reference(reference),
                ImageCodec.Load(ImageFixture.Path(name), new DecodeOptions(ColorType.Index))
            )
        );

    [Fact]
    public void Decode_SixteenBitsAsColor_TakesUpperBytes()
    {
        var deep = ImageFixture.Reference("rgb-16.png");
        var image = ImageCodec.Load(ImageFixture.Path("rgb-16.png"));
        Assert.Equal(PixelType.UInt8, image.Type);
        Assert.Equal(deep.Pixels<ushort>().ToArray().Select(value => (byte)(value >> 8)), image.Bytes);
    }

    [Fact]
    public void Decode_Grayscale_WeightsColours()
    {
        var expected = ImageFixture.Reference("gray.png");
        var actual = ImageCodec.Load(ImageFixture.Path("rgb.png"), new DecodeOptions(ColorType.Grayscale));
        Assert.Equal(1, actual.Channels);
        for (var i = 0; i < actual.Bytes.Length; i++)
            Assert.Equal(expected.Bytes[i * 3], actual.Bytes[i]);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Decode_Reduced_IsCloseToTheShrunkImage(int denominator)
    {
        var encoded = ImageCodec.Open(ImageFixture.Bytes("orientation-6.jpg"), "orientation-6.jpg");
        Assert.Equal((40, 24), (encoded.Height, encoded.Width));
        var reduced = encoded.Decode(denominator);
        Assert.Equal(((40 + denominator - 1) / denominator, (24 + denominator - 1) / denominator), (reduced.Height, reduced.Width));
        var shrunk = Tessera.Datasets.Images.Resampling.Resampler.Resize(
            encoded.Decode(),
            reduced.Height,
            reduced.Width,
            Tessera.Datasets.Images.Resampling.Interpolation.Box
        );
        Assert.InRange(Enumerable.Range(0, reduced.Bytes.Length).Average(i => Math.Abs(reduced.Bytes[i] - shrunk.Bytes[i])), 0, 6);
    }

    [Fact]
    public void Decode_OrientationIgnored_KeepsStoredShape()
    {
        var image = ImageCodec.Load(ImageFixture.Path("orientation-6.jpg"), new DecodeOptions(ApplyOrientation: false));
        Assert.Equal((24, 40), (image.Height, image.Width));
    }

    [Theory]
    [InlineData(1, PixelType.UInt8)]
    [InlineData(2, PixelType.UInt8)]
    [InlineData(3, PixelType.UInt8)]
    [InlineData(4, PixelType.UInt8)]
    [InlineData(1, PixelType.UInt16)]
    [InlineData(3, PixelType.UInt16)]
    public void EncodePng_ReadBack_IsTheSame(int channels, PixelType type)
    {
        var image = ImageFixture.Noise(7, 11, channels, type);
        var back = ImageCodec.Decode(ImageCodec.EncodePng(image), "memory", new DecodeOptions(ColorType.Unchanged));
        Assert.Equal((image.Channels, image.Type), (back.Channels, back.Type));
        Assert.Equal(image.Bytes, back.Bytes);
    }

    [Fact]
    public void EncodePng_Palette_ReadBack()
    {
        var labels = new Image(2, 2, 1, PixelType.UInt8, [0, 1, 2, 1]);
        var file = ImageCodec.EncodePng(labels, [0, 0, 0, 10, 20, 30, 255, 128, 0]);
        Assert.Equal(labels.Bytes, ImageCodec.Decode(file, "memory", new DecodeOptions(ColorType.Index)).Bytes);
        Assert.Equal([0, 0, 0, 10, 20, 30, 255, 128, 0, 10, 20, 30], ImageCodec.Decode(file, "memory").Bytes);
    }

    [Fact]
    public void EncodeJpeg_ReadBack_IsClose()
    {
        var image = ImageFixture.Reference("rgb.png");
        var back = ImageCodec.Decode(ImageCodec.EncodeJpeg(image, 98), "memory");
        Assert.InRange(Enumerable.Range(0, image.Bytes.Length).Average(i => Math.Abs(image.Bytes[i] - back.Bytes[i])), 0, 3);
    }

    [Theory]
    [InlineData("animated.webp", "an animated WebP")]
    [InlineData("make.py", "not an image that can be read; it begins with the text")]
    public void Open_Unusable_NamesFileAndReason(string name, string reason)
    {
        var error = Assert.Throws<UserErrorException>(() => ImageCodec.Load(ImageFixture.Path(name)));
        Assert.StartsWith(ImageFixture.Path(name) + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ZeroBytes_SaysEmpty() =>
        Assert.Contains(
            "cat.jpg: the file is empty",
            Assert.Throws<UserErrorException>(() => ImageCodec.Open(Array.Empty<byte>(), "cat.jpg")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Load_MissingFile_NamesIt() =>
        Assert.Contains(
            "no-such.png",
            Assert.Throws<UserErrorException>(() => ImageCodec.Load("no-such.png")).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("baseline.jpg")]
    [InlineData("rgb.png")]
    [InlineData("lossless.webp")]
    [InlineData("lossy.webp")]
    [InlineData("rgb.bmp")]
    [InlineData("progressive.jpg")]
    public void Decode_Truncated_SaysSo(string name)
    {
        var bytes = ImageFixture.Bytes(name);
        foreach (var length in (int[])[bytes.Length * 9 / 10, bytes.Length / 2, bytes.Length / 4])
        {
            var error = Assert.Throws<UserErrorException>(() => ImageCodec.Decode(bytes.AsMemory(0, length), name));
            Assert.StartsWith(name + ": ", error.Message, StringComparison.Ordinal);
            Assert.Contains("truncated", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("baseline.jpg")]
    [InlineData("rgb.png")]
    [InlineData("rgb.bmp")]
    public void Open_FiftyThousandSquare_IsRefusedBeforeDecoding(string name)
    {
        var bytes = ImageFixture.Bytes(name);
        switch (name)
        {
            case "baseline.jpg":
                var frame = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
                (bytes[frame + 5], bytes[frame + 6], bytes[frame + 7], bytes[frame + 8]) = (0xC3, 0x50, 0xC3, 0x50);
                break;
            case "rgb.png":
                (bytes[18], bytes[19], bytes[22], bytes[23]) = (0xC3, 0x50, 0xC3, 0x50);
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(29), Crc32(bytes.AsSpan(12, 17)));
                break;
            default:
                BitConverter.TryWriteBytes(bytes.AsSpan(18), 50000);
                BitConverter.TryWriteBytes(bytes.AsSpan(22), 50000);
                break;
        }
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<UserErrorException>(() => ImageCodec.Decode(bytes, name));
        Assert.Contains("50,000 x 50,000", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private static uint Crc32(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320 & (uint)-(int)(crc & 1));
        }
        return ~crc;
    }
}
