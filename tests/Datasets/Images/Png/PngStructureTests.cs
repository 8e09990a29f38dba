using System.Text;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images.Png;

/// <summary>Files whose chunks are damaged, out of order or too large.</summary>
public class PngStructureTests
{
    private static readonly PngPart Header = PngParts.Header(2, 3, 8, 3);
    private static readonly PngPart Palette = new("PLTE", [0, 0, 0, 10, 20, 30, 255, 128, 0]);
    private static readonly PngPart Opacity = new("tRNS", [0, 128]);
    private static readonly PngPart Exif = new("eXIf", [0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0]);
    private static readonly PngPart Pixels = PngParts.Data([0, 0, 1, 2, 0, 2, 1, 0]);
    private static readonly PngPart Text = new("tEXt", [65, 0, 66]);
    private static readonly byte[] Sound = PngParts.Join([Header, Palette, Opacity, Exif, Text, Pixels, PngParts.End]);

    public static TheoryData<string, byte[]> Faults =>
        new()
        {
            { "two chunks IHDR", PngParts.Join([Header, Header, Palette, Pixels]) },
            { "two chunks PLTE", PngParts.Join([Header, Palette, Palette, Pixels]) },
            { "two chunks tRNS", PngParts.Join([Header, Palette, Opacity, Opacity, Pixels]) },
            { "two chunks eXIf", PngParts.Join([Header, Palette, Exif, Pixels, Exif]) },
            { "it begins with chunk PLTE; IHDR was expected", PngParts.Join([Palette, Header, Pixels]) },
            { "its palette is missing", PngParts.Join([Header, Pixels]) },
            { "chunk PLTE stands too late", PngParts.Join([Header, Pixels, Palette]) },
            { "chunk PLTE stands too late", PngParts.Join([PngParts.Header(2, 1, 8, 2), new("tRNS", new byte[6]), Palette, Pixels]) },
            { "chunk tRNS stands too late", PngParts.Join([Header, Palette, Pixels, Opacity]) },
            { "chunk tRNS of 2 bytes for color type 3", PngParts.Join([Header, Opacity, Palette, Pixels]) },
            { "chunk tRNS of 4 bytes for color type 3", PngParts.Join([Header, Palette, new("tRNS", new byte[4]), Pixels]) },
            { "chunk tRNS of 6 bytes for color type 0", PngParts.Join([PngParts.Header(2, 3, 8, 0), new("tRNS", new byte[6]), Pixels]) },
            { "chunk tRNS of 2 bytes for color type 6", PngParts.Join([PngParts.Header(2, 3, 8, 6), Opacity, Pixels]) },
            { "a palette of 0 bytes", PngParts.Join([Header, new("PLTE", []), Pixels]) },
            { "a palette of 8 bytes", PngParts.Join([Header, new("PLTE", new byte[8]), Pixels]) },
            { "a palette of 771 bytes", PngParts.Join([Header, new("PLTE", new byte[771]), Pixels]) },
            { "a palette of 9 bytes", PngParts.Join([PngParts.Header(2, 3, 1, 3), Palette, Pixels]) },
            { "other chunks stand between the chunks IDAT", PngParts.Join([Header, Palette, Pixels, Text, Pixels]) },
            { "the unknown chunk ABCD, which may not be passed over", PngParts.Join([Header, Palette, new("ABCD", []), Pixels]) },
            { "color type 2 with 4 bits", PngParts.Join([PngParts.Header(2, 3, 4, 2), Pixels]) },
            { "color type 3 with 16 bits", PngParts.Join([PngParts.Header(2, 3, 16, 3), Palette, Pixels]) },
            { "color type 5 with 8 bits", PngParts.Join([PngParts.Header(2, 3, 8, 5), Pixels]) },
            { "compression 0, filter 0, interlace 2", PngParts.Join([PngParts.Header(2, 3, 8, 0, 2), Pixels]) },
            { "3 x 0 pixels", PngParts.Join([PngParts.Header(0, 3, 8, 0), Pixels]) },
            { "4294967295 x 2 pixels", PngParts.Join([PngParts.Header(2, -1, 8, 0), Pixels]) },
            { "a header of 12 bytes", PngParts.Join([new("IHDR", Header.Content[..12]), Pixels]) },
            { "row filter 5", PngParts.Join([Header, Palette, PngParts.Data([0, 0, 1, 2, 5, 2, 1, 0])]) },
            { "its pixel data can't be decompressed", PngParts.Join([Header, Palette, new("IDAT", new byte[40])]) },
            { "truncated (its pixel data end too early)", PngParts.Join([Header, Palette, PngParts.Data([0, 0, 1, 2])]) },
            { "truncated (its pixel data end too early)", PngParts.Join([Header, Palette, new("IDAT", Pixels.Content[..6])]) },
            { "truncated (no pixels in it)", PngParts.Join([Header, Palette, PngParts.End]) },
            { "its first bytes were changed, as by a transfer as text", [0x89, 0x50, 0x4E, 0x47, 0x0A, 0x1A, 0x0A, .. Sound[8..]] },
            { "no chunk at byte 33", [.. Sound[..33], .. new byte[40]] },
            { "chunk PLTE of 4294967295 bytes", [.. Sound[..33], 0xFF, 0xFF, 0xFF, 0xFF, .. Sound[37..]] },
        };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Decode_Fault_IsNamed(string reason, byte[] file)
    {
        var error = Assert.Throws<UserErrorException>(() => ImageCodec.Decode(file, "a.png"));
        Assert.StartsWith("a.png: the PNG file is ", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_OneBitOfAUsedChunkChanged_IsNoticedByItsChecksum()
    {
        foreach (var type in (string[])["IHDR", "PLTE", "tRNS", "eXIf", "IDAT"])
        {
            var file = (byte[])Sound.Clone();
            file[file.AsSpan().IndexOf(Encoding.ASCII.GetBytes(type)) + 4] ^= 1;
            var error = Assert.Throws<UserErrorException>(() => ImageCodec.Decode(file, "a.png"));
            Assert.Contains($"the checksum of chunk {type} at byte ", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Decode_HarmlessDepartures_GiveThePicture()
    {
        var expected = ImageCodec.Decode(Sound, "a.png");
        Assert.Equal([0, 0, 0, 10, 20, 30, 255, 128, 0], expected.Bytes[..9]);
        var otherText = (byte[])Sound.Clone();
        otherText[Sound.AsSpan().IndexOf("tEXt"u8) + 4] ^= 1;
        byte[][] files =
        [
            otherText, // a checksum of what isn't read
            PngParts.Join([Header, Palette, Pixels]), // no end
            [.. PngParts.Join([Header, Palette, Pixels]), 0, 0, 0],
            [.. PngParts.Join([Header, Palette, Pixels]), .. new byte[50]],
            [.. Sound, .. Encoding.ASCII.GetBytes("more"), .. Sound], // more behind the end
            PngParts.Join([Header, Palette, PngParts.Data([0, 0, 1, 2, 0, 2, 1, 0, 9, 9, 9])]), // more data than pixels
            PngParts.Join([Header, new("abCd", new byte[100]), Palette, Pixels, new("tIME", new byte[7]), PngParts.End]),
        ];
        foreach (var file in files)
            PngFixture.AssertSame(expected, ImageCodec.Decode(file, "a.png"));
    }

    [Fact]
    public void Decode_PaletteOfAGrayPicture_IsPassedOver()
    {
        var file = PngParts.Join([PngParts.Header(2, 3, 8, 0), Palette, Pixels, PngParts.End]);
        Assert.Equal([0, 1, 2, 2, 1, 0], ImageCodec.Decode(file, "a.png", new DecodeOptions(ColorType.Unchanged)).Bytes);
    }

    [Theory]
    [InlineData("rgb-8-37x19.png")]
    [InlineData("palette-2-adam7-trns-13x11.png")]
    [InlineData("gray-16-adam7-37x19.png")]
    public void Decode_EveryPrefix_IsTruncated(string name)
    {
        var file = PngFixture.Bytes(name);
        var end = file.Length - 12; // of the last IDAT chunk
        for (var length = 4; length < end; length++)
        {
            var error = Assert.Throws<UserErrorException>(() => ImageCodec.Decode(file.AsMemory(0, length), name));
            Assert.Contains("truncated", error.Message, StringComparison.Ordinal);
        }
        for (var length = end; length <= file.Length; length++)
            PngFixture.AssertSame(PngFixture.Reference(name, ColorType.Color), ImageCodec.Decode(file.AsMemory(0, length), name));
    }

    [Fact]
    public void Decode_MorePixelsThanTheDataCanHold_TakesNoMemory()
    {
        var file = PngParts.Join([PngParts.Header(13_000, 13_000, 16, 6), PngParts.Data(new byte[100_000]), PngParts.End]);
        AssertRefusedWithoutMemory(file, "can't hold 13,000 x 13,000 pixels", new DecodeOptions());
    }

    [Fact]
    public void Decode_PixelsBeyondAnArray_AreRefused()
    {
        // As much as two million bytes of zeros could stand for, in a row
        var file = PngParts.Join([PngParts.Header(1, int.MaxValue, 8, 0), new("IDAT", new byte[2_100_000]), PngParts.End]);
        AssertRefusedWithoutMemory(
            file,
            "a PNG of 2,147,483,647 x 1 pixels. Up to 2 GB of pixels are read",
            new DecodeOptions(MaxPixels: long.MaxValue)
        );
        file = PngParts.Join([PngParts.Header(int.MaxValue, int.MaxValue, 16, 6, 1), new("IDAT", new byte[2_100_000]), PngParts.End]);
        AssertRefusedWithoutMemory(file, "can't hold 2,147,483,647 x 2,147,483,647 pixels", new DecodeOptions(MaxPixels: long.MaxValue));
    }

    [Fact]
    public void Decode_CompressedTextAndProfiles_AreNotDecompressed()
    {
        var bomb = PngParts.Deflate(new byte[64 << 20]);
        byte[] content = [65, 0, 0, .. bomb];
        PngPart text = new("zTXt", content);
        var file = PngParts.Join([Header, new("iCCP", content), text, Palette, Pixels, text, PngParts.End]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(3, ImageCodec.Decode(file, "a.png").Width);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private static void AssertRefusedWithoutMemory(byte[] file, string reason, DecodeOptions options)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<UserErrorException>(() => ImageCodec.Decode(file, "a.png", options));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }
}
