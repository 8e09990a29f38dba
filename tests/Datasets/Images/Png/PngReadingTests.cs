using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images.Png;

public class PngReadingTests
{
    public static TheoryData<string> Files => [.. PngFixture.Names];

    /// <summary>Colour type, depth, bytes of a pixel.</summary>
    public static TheoryData<byte, byte, int> ByteFormats =>
        new()
        {
            { 0, 8, 1 },
            { 0, 16, 2 },
            { 4, 8, 2 },
            { 2, 8, 3 },
            { 6, 8, 4 },
            { 4, 16, 4 },
            { 2, 16, 6 },
            { 6, 16, 8 },
        };

    [Theory]
    [MemberData(nameof(Files))]
    public void Decode_EveryTypeDepthAndInterlacing_EqualsPillow(string name)
    {
        foreach (var way in (ColorType[])[ColorType.Color, ColorType.Unchanged, ColorType.Index])
            PngFixture.AssertSame(PngFixture.Reference(name, way), ImageCodec.Decode(PngFixture.Bytes(name), name, new DecodeOptions(way)));
    }

    [Fact]
    public void Files_CoverEveryTypeDepthAndFilter()
    {
        var kinds = new HashSet<(int Color, int Depth, int Interlaced)>();
        var filters = new HashSet<int>();
        foreach (var name in PngFixture.Names)
        {
            var parts = PngParts.Split(PngFixture.Bytes(name));
            var header = parts[0].Content;
            kinds.Add((header[9], header[8], header[12]));
            if (header[8] != 8 || header[9] != 2 || header[12] != 0)
                continue;
            var stride = header[3] * 3;
            for (var at = 0; at < PngParts.Rows(parts).Length; at += stride + 1)
                filters.Add(PngParts.Rows(parts)[at]);
        }
        Assert.Equal(30, kinds.Count);
        Assert.Equal([0, 1, 2, 3, 4], filters.Order());
    }

    /// <summary>The filters in registers against their definition, byte by byte, at every width up to a few registers.</summary>
    [Theory]
    [MemberData(nameof(ByteFormats))]
    public void Decode_FiltersAtAnyWidth_EqualTheDefinition(byte color, byte depth, int pixelSize)
    {
        for (var width = 1; width <= 45; width++)
        {
            var (height, stride) = (12, width * pixelSize);
            var random = new RandomSource((ulong)(width * 100 + pixelSize));
            var values = new byte[height * stride];
            foreach (ref var value in values.AsSpan())
                value = (byte)(random.Chance(0.5) ? random.Next(256) : random.Next(120, 136));
            var rows = PngParts.Filter(values, stride, pixelSize, y => (y + width) % 5);
            var file = PngParts.Join([PngParts.Header(height, width, depth, color), PngParts.Data(rows), PngParts.End]);
            var image = ImageCodec.Decode(file, "memory", new DecodeOptions(ColorType.Unchanged));
            if (depth == 16)
            {
                Assert.Equal(PixelType.UInt16, image.Type);
                var words = Enumerable.Range(0, values.Length / 2).Select(i => (ushort)(values[i * 2] << 8 | values[i * 2 + 1]));
                Assert.Equal(words, image.Pixels<ushort>().ToArray());
            }
            else
            {
                Assert.Equal(values, image.Bytes);
            }
        }
    }

    [Theory]
    [InlineData("rgb-8-37x19.png")]
    [InlineData("palette-4-adam7-37x19.png")]
    public void Decode_DataInAnyPieces_IsTheSame(string name)
    {
        var parts = PngParts.Split(PngFixture.Bytes(name));
        var data = parts.Where(part => part.Type == "IDAT").SelectMany(part => part.Content).ToArray();
        var at = parts.FindIndex(part => part.Type == "IDAT");
        parts.RemoveAll(part => part.Type == "IDAT");
        PngPart empty = new("IDAT", []);
        List<PngPart> single = [.. data.Select(value => new PngPart("IDAT", [value]))];
        foreach (
            var pieces in (List<PngPart>[])
                [
                    [new("IDAT", data)],
                    single,
                    [empty, empty, new("IDAT", data[..7]), empty, new("IDAT", data[7..]), empty],
                ]
        )
        {
            List<PngPart> file = [.. parts];
            file.InsertRange(at, pieces);
            PngFixture.AssertSame(PngFixture.Reference(name, ColorType.Color), ImageCodec.Decode(PngParts.Join(file), name));
        }
    }

    [Fact]
    public void Decode_PaletteIndexBeyondThePalette_IsDamagedAsColourAndKeptAsIndex()
    {
        var file = PngParts.Join([PngParts.Header(1, 3, 8, 3), new("PLTE", [1, 2, 3, 4, 5, 6]), PngParts.Data([0, 0, 1, 2]), PngParts.End]);
        Assert.Contains(
            "palette index 2 of 2",
            Assert.Throws<UserErrorException>(() => ImageCodec.Decode(file, "a.png")).Message,
            StringComparison.Ordinal
        );
        Assert.Equal([0, 1, 2], ImageCodec.Decode(file, "a.png", new DecodeOptions(ColorType.Index)).Bytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decode_Exif_TurnsThePicture(bool behindThePixels)
    {
        // TIFF, big-endian, one entry: orientation (0x0112), SHORT, one value, 6
        PngPart exif = new("eXIf", [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]);
        PngPart pixels = PngParts.Data([0, 10, 20, 30]);
        List<PngPart> parts = behindThePixels ? [pixels, exif] : [exif, pixels];
        var file = PngParts.Join([PngParts.Header(1, 3, 8, 0), .. parts, PngParts.End]);
        var encoded = ImageCodec.Open(file, "a.png", new DecodeOptions(ColorType.Unchanged));
        Assert.Equal((3, 1), (encoded.Height, encoded.Width));
        PngFixture.AssertSame(new Image(3, 1, 1, PixelType.UInt8, [10, 20, 30]), encoded.Decode());
        Assert.Equal(3, ImageCodec.Decode(file, "a.png", new DecodeOptions(ApplyOrientation: false)).Width);
    }
}
