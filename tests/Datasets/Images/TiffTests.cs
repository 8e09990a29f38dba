using System.Buffers.Binary;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Images;

public class TiffTests
{
    private static readonly DecodeOptions Unchanged = new(ColorType.Unchanged);

    public static TheoryData<string> Files => [.. CodecFixture.Names(".tif")];

    public static TheoryData<string> Indices => [.. CodecFixture.Names("+index")];

    [Theory]
    [MemberData(nameof(Files))]
    public void Decode_Unchanged_EqualsPillow(string name) =>
        CodecFixture.AssertSame(CodecFixture.Reference(name), ImageCodec.Load(CodecFixture.Path(name), Unchanged));

    [Theory]
    [MemberData(nameof(Indices))]
    public void Decode_Index_KeepsStoredValues(string name) =>
        CodecFixture.AssertSame(
            CodecFixture.Reference(name),
            ImageCodec.Load(CodecFixture.Path(name.Split('+')[0]), new DecodeOptions(ColorType.Index))
        );

    [Theory]
    [MemberData(nameof(Files))]
    public void Decode_Color_IsRgbOfEightBits(string name)
    {
        var image = ImageCodec.Load(CodecFixture.Path(name));
        CodecFixture.AssertSame(ChannelConversion.Convert(CodecFixture.Reference(name), ColorType.Color), image);
        Assert.Equal((3, PixelType.UInt8), (image.Channels, image.Type));
    }

    [Fact]
    public void Decode_IndexOfWhiteIsZero_IsNotInverted()
    {
        var labels = ImageCodec.Load(CodecFixture.Path("white-is-zero.tif"), new DecodeOptions(ColorType.Index));
        Assert.Equal(CodecFixture.Reference("white-is-zero.tif").Bytes.Select(value => (byte)(255 - value)), labels.Bytes);
    }

    [Theory]
    [InlineData("refused-float.tif", "a TIFF of floating-point values")]
    [InlineData("refused-cmyk.tif", "a TIFF of CMYK colours")]
    [InlineData("refused-jpeg.tif", "a TIFF with JPEG compression")]
    [InlineData("refused-fax.tif", "a TIFF with CCITT group 4 compression")]
    public void Open_OtherKinds_NamesThem(string name, string reason) =>
        Assert.Equal(reason, CodecFixture.Refusal(CodecFixture.Bytes(name), "x.tif")[7..].Split(". ")[0]);

    [Theory]
    [InlineData("rgb-none.tif")]
    [InlineData("rgb-tiles-lzw.tif")]
    [InlineData("gray-16-deflate.tif")]
    public void Decode_CutAnywhere_IsAnError(string name)
    {
        var bytes = CodecFixture.Bytes(name);
        for (var length = 4; length < bytes.Length; length += 1 + bytes.Length / 60)
            Assert.Contains("truncated", CodecFixture.Refusal(bytes.AsMemory(0, length), name), StringComparison.Ordinal);
    }

    /// <summary>A strip of which the compressed data is short, in a file that isn't.</summary>
    [Theory]
    [InlineData("rgb-lzw.tif")]
    [InlineData("rgb-deflate.tif")]
    [InlineData("rgb-packbits.tif")]
    [InlineData("rgb-none.tif")]
    public void Decode_ShortStrip_IsAnError(string name)
    {
        var bytes = CodecFixture.Bytes(name);
        var (offset, _) = Entry(bytes, 279);
        var lengths = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(offset + 8));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(lengths), BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(lengths)) / 2);
        Assert.StartsWith(name + ": the TIFF file is damaged (", CodecFixture.Refusal(bytes, name), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(50_000, 50_000, "50,000 x 50,000")]
    [InlineData(2_147_483_647, 2_147_483_647, "2,147,483,647 x 2,147,483,647")]
    public void Open_Huge_IsRefusedBeforeDecoding(int width, int height, string expected)
    {
        // Of one tile, which is there: the size alone is wrong.
        var bytes = CodecFixture.Bytes("rgb-tiles-none.tif");
        SetValue(bytes, 256, width);
        SetValue(bytes, 257, height);
        SetValue(bytes, 322, width / 2 + 1);
        SetValue(bytes, 323, height / 2 + 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(expected, CodecFixture.Refusal(bytes, "x.tif"), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Open_TileFarLargerThanThePicture_IsRefused()
    {
        var bytes = CodecFixture.Bytes("rgb-tiles-none.tif");
        SetValue(bytes, 322, 1 << 20);
        SetValue(bytes, 323, 1 << 10);
        Assert.Contains("tiles of 1048576 x 1024 pixels", CodecFixture.Refusal(bytes, "x.tif"), StringComparison.Ordinal);
    }

    /// <summary>One piece of data in many strips would be decoded again and again.</summary>
    [Fact]
    public void Open_StripsThatOverlap_IsRefused()
    {
        var bytes = CodecFixture.Bytes("rgb-none.tif");
        foreach (var (tag, value) in ((int, int)[])[(273, 8), (279, bytes.Length / 2)])
        {
            var (entry, count) = Entry(bytes, tag);
            var values = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(entry + 8));
            for (var i = 0; i < count; i++)
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(values + i * 4), value);
        }
        Assert.Contains("strips that overlap", CodecFixture.Refusal(bytes, "x.tif"), StringComparison.Ordinal);
    }

    private static (int Offset, int Count) Entry(byte[] little, int tag)
    {
        var at = BinaryPrimitives.ReadInt32LittleEndian(little.AsSpan(4));
        var entries = BinaryPrimitives.ReadUInt16LittleEndian(little.AsSpan(at));
        for (var i = 0; i < entries; i++)
        {
            var entry = at + 2 + i * 12;
            if (BinaryPrimitives.ReadUInt16LittleEndian(little.AsSpan(entry)) == tag)
                return (entry, BinaryPrimitives.ReadInt32LittleEndian(little.AsSpan(entry + 4)));
        }
        throw new InvalidOperationException($"The file has no tag {tag}.");
    }

    private static void SetValue(byte[] little, int tag, int value) =>
        BinaryPrimitives.WriteInt32LittleEndian(little.AsSpan(Entry(little, tag).Offset + 8), value);
}
