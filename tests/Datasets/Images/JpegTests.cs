using System.Buffers.Binary;
using System.Diagnostics;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Codecs;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images;

public class JpegTests
{
    private static readonly DecodeOptions BySkia = new(ColorType.Unchanged, JpegDecoder: JpegDecoder.Skia);
    private static readonly DecodeOptions AsUsual = new(ColorType.Unchanged);

    public static TheoryData<string> Files => [.. CodecFixture.Names(".jpg")];

    /// <summary>CMYK and YCCK with and without Adobe's marker, RGB stored as such, every subsampling, profiles, arithmetic coding, restart
    /// markers.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void Decode_EqualsPillow(string name)
    {
        CodecFixture.AssertSame(CodecFixture.Reference(name), ImageCodec.Load(CodecFixture.Path(name), BySkia));
        CodecFixture.AssertSame(CodecFixture.Reference(name), ImageCodec.Load(CodecFixture.Path(name), AsUsual));
    }

    [Theory]
    [InlineData("gray-progressive.jpg", 1)]
    [InlineData("cmyk.jpg", 3)]
    [InlineData("rgb-420.jpg", 3)]
    public void Decode_Unchanged_KeepsGray(string name, int channels) =>
        Assert.Equal(channels, ImageCodec.Load(CodecFixture.Path(name), AsUsual).Channels);

    [Fact]
    public void Decode_Grayscale_WeightsTheColoursAsPillow()
    {
        var expected = ChannelConversion.ToGray(CodecFixture.Reference("rgb-444.jpg"));
        foreach (var decoder in (JpegDecoder[])[JpegDecoder.Skia, JpegDecoder.Auto])
            CodecFixture.AssertSame(
                expected,
                ImageCodec.Load(CodecFixture.Path("rgb-444.jpg"), new DecodeOptions(ColorType.Grayscale, JpegDecoder: decoder))
            );
    }

    [Fact]
    public void Decode_Profile_ChangesNoPixel()
    {
        // The profile exchanges red and blue. Its file without it has the same data.
        var bytes = CodecFixture.Bytes("profile.jpg");
        var profile = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xE2]);
        byte[] without = [.. bytes[..profile], .. bytes[(profile + 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(profile + 2)))..]];
        Assert.True(bytes.AsSpan(profile + 4).StartsWith("ICC_PROFILE"u8));
        CodecFixture.AssertSame(ImageCodec.Decode(without, "without", BySkia), ImageCodec.Decode(bytes, "with", BySkia));
    }

    /// <summary>A picture whose scans are repeated decodes to the same picture, ever more slowly: a small file could keep a decoder busy
    /// for hours.</summary>
    [Theory]
    [InlineData(99, true)]
    [InlineData(100, false)]
    [InlineData(100_000, false)]
    public void Decode_ManyScans_AreCountedBeforeDecoding(int scans, bool accepted)
    {
        var original = CodecFixture.Bytes("rgb-420-progressive.jpg");
        var last = original.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        var scan = original[last..^2];
        var bomb = new MemoryStream();
        bomb.Write(original.AsSpan(0, last));
        var before = 0;
        for (var at = 0; at < last; at++)
            before += original[at] == 0xFF && original[at + 1] == 0xDA ? 1 : 0;
        for (var i = before; i < scans; i++)
            bomb.Write(scan);
        bomb.Write([0xFF, 0xD9]);
        foreach (var options in (DecodeOptions[])[BySkia, AsUsual])
        {
            if (accepted)
            {
                Assert.Equal(3, ImageCodec.Decode(bomb.ToArray(), "bomb.jpg", options).Channels);
                continue;
            }
            var clock = Stopwatch.StartNew();
            var error = Assert.Throws<UserErrorException>(() => ImageCodec.Decode(bomb.ToArray(), "bomb.jpg", options));
            Assert.Equal("bomb.jpg: the JPEG file is damaged (more than 99 scans).", error.Message);
            Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);
        }
    }

    /// <summary>The end marker is there, the data before it ends early: libjpeg would fill the rest with gray.</summary>
    [Theory]
    [InlineData("rgb-420.jpg", 40)]
    [InlineData("rgb-420.jpg", 400)]
    [InlineData("rgb-444.jpg", 100)]
    public void Decode_DataEndsBeforeTheMarker_IsTruncated(string name, int missing)
    {
        var bytes = CodecFixture.Bytes(name);
        byte[] cut = [.. bytes[..^(missing + 2)].AsSpan().TrimEnd((byte)0xFF), 0xFF, 0xD9];
        foreach (var options in (DecodeOptions[])[BySkia, AsUsual])
            Assert.Contains("truncated", CodecFixture.Refusal(cut, name, options), StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_NoEndMarker_IsTruncated()
    {
        foreach (var name in CodecFixture.Names(".jpg").Where(name => name is not ("trailing-bytes.jpg" or "fill-bytes.jpg")))
        {
            var error = Assert.Throws<UserErrorException>(() => ImageCodec.Decode(CodecFixture.Bytes(name).AsMemory()[..^2], name, BySkia));
            Assert.Equal($"{name}: the JPEG file is truncated (no end marker). Fetch it again.", error.Message);
        }
    }

    [Theory]
    [InlineData(95, 3, 0x11)]
    [InlineData(90, 3, 0x11)]
    [InlineData(89, 3, 0x22)]
    [InlineData(20, 3, 0x22)]
    [InlineData(80, 1, 0x11)]
    public void Encode_Quality_TellsSubsampling(int quality, int channels, int sampling)
    {
        var image = ImageFixture.Noise(33, 50, channels);
        var file = ImageCodec.EncodeJpeg(image, quality);
        var frame = file.AsSpan(file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]));
        Assert.Equal((33, 50), (BinaryPrimitives.ReadUInt16BigEndian(frame[5..]), BinaryPrimitives.ReadUInt16BigEndian(frame[7..])));
        Assert.Equal((channels, sampling), (frame[9], frame[11]));
        // The quantization table is that of annex K scaled as libjpeg's quality says; its first entry is 16.
        var scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
        var table = file.AsSpan(file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDB]));
        Assert.Equal(Math.Max(1, (16 * scale + 50) / 100), table[5]);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 5)]
    [InlineData(3, 6)]
    [InlineData(40, 41)]
    public void Packing_EveryLength_AddsAndDropsAlpha(int height, int width)
    {
        var rgb = ImageFixture.Noise(height, width, 3).Bytes;
        var (rgba, back) = (new byte[height * width * 4 + 3], new byte[height * width * 3 + 5]);
        PixelPacking.AddAlpha(rgb, rgba);
        for (var i = 0; i < height * width; i++)
            Assert.Equal([rgb[i * 3], rgb[i * 3 + 1], rgb[i * 3 + 2], 255], rgba[(i * 4)..(i * 4 + 4)]);
        PixelPacking.DropAlpha(rgba.AsSpan(0, height * width * 4), back);
        Assert.Equal(rgb, back[..rgb.Length]);
        Assert.Equal(new byte[5], back[rgb.Length..]);
        Assert.Equal(new byte[3], rgba[^3..]);
    }
}
