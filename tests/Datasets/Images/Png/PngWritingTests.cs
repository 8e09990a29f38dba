using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Images.Png;

public class PngWritingTests
{
    public static TheoryData<int, PixelType> Formats =>
        new()
        {
            { 1, PixelType.UInt8 },
            { 2, PixelType.UInt8 },
            { 3, PixelType.UInt8 },
            { 4, PixelType.UInt8 },
            { 1, PixelType.UInt16 },
            { 2, PixelType.UInt16 },
            { 3, PixelType.UInt16 },
            { 4, PixelType.UInt16 },
        };

    /// <summary>Every file is read by the code under test and by the definition of chunks and filters, byte by byte.</summary>
    [Theory]
    [MemberData(nameof(Formats))]
    public void EncodePng_AnySizeAndContent_HoldsThePixels(int channels, PixelType type)
    {
        var filters = new HashSet<byte>();
        foreach (var (height, width) in ((int, int)[])[(1, 1), (1, 70), (70, 1), (2, 5), (33, 47), (300, 211)])
        {
            var (noise, ramp) = (ImageFixture.Noise(height, width, channels, type), Ramp(height, width, channels, type));
            foreach (var image in (Image[])[noise, ramp, new Image(height, width, channels, type)])
            {
                var file = ImageCodec.EncodePng(image);
                PngFixture.AssertSame(image, ImageCodec.Decode(file, "memory", new DecodeOptions(ColorType.Unchanged)));

                var parts = PngParts.Split(file);
                Assert.Equal(["IHDR", "IDAT", "IEND"], parts.Select(part => part.Type));
                var (depth, color) = (
                    type == PixelType.UInt16 ? 16 : 8,
                    channels switch
                    {
                        1 => 0,
                        2 => 4,
                        3 => 2,
                        _ => 6,
                    }
                );
                Assert.Equal(PngParts.Header(height, width, (byte)depth, (byte)color).Content, parts[0].Content);
                var (stride, rows) = (width * image.PixelSize(), PngParts.Rows(parts));
                Assert.Equal(height * (stride + 1), rows.Length);
                Assert.Equal(BigEndian(image), PngParts.Unfilter(rows, stride, image.PixelSize()));
                for (var y = 0; y < height; y++)
                    filters.Add(rows[y * (stride + 1)]);
            }
        }
        Assert.InRange(filters.Count, 3, 4); // the pictures differ enough to call for several
    }

    [Theory]
    [InlineData(2)]
    [InlineData(19)]
    [InlineData(256)]
    public void EncodePng_Palette_KeepsIndicesAndColours(int colors)
    {
        var palette = ImageFixture.Noise(1, colors, 3).Bytes;
        var labels = new Image(40, 31, 1);
        for (var i = 0; i < labels.Bytes.Length; i++)
            labels.Bytes[i] = (byte)(i / 7 % colors);
        var file = ImageCodec.EncodePng(labels, palette);
        PngFixture.AssertSame(labels, ImageCodec.Decode(file, "memory", new DecodeOptions(ColorType.Index)));
        var parts = PngParts.Split(file);
        Assert.Equal(["IHDR", "PLTE", "IDAT", "IEND"], parts.Select(part => part.Type));
        Assert.Equal(palette, parts[1].Content);
        Assert.Equal(labels.Bytes.SelectMany(index => palette[(index * 3)..(index * 3 + 3)]), ImageCodec.Decode(file, "memory").Bytes);
    }

    [Fact]
    public void EncodePng_ByteRamp_IsSmallerThanUnfiltered()
    {
        var image = Ramp(200, 200, 3, PixelType.UInt8);
        var unfiltered = PngParts.Deflate(image.Bytes).Length;
        Assert.InRange(ImageCodec.EncodePng(image).Length, 1, unfiltered / 2);
    }

    private static Image Ramp(int height, int width, int channels, PixelType type)
    {
        var image = new Image(height, width, channels, type);
        for (var i = 0; i < height * width * channels; i++)
        {
            var (y, x, c) = (i / channels / width, i / channels % width, i % channels);
            var value = x * (3 + c) + y * y / (4 + c) + (x * y % 11 == 0 ? 5 : 0);
            if (type == PixelType.UInt16)
                image.Pixels<ushort>()[i] = (ushort)(value * 150);
            else
                image.Bytes[i] = (byte)value;
        }
        return image;
    }

    private static byte[] BigEndian(Image image) =>
        image.Type == PixelType.UInt8
            ? image.Bytes
            : [.. image.Pixels<ushort>().ToArray().SelectMany(value => (byte[])[(byte)(value >> 8), (byte)value])];
}
