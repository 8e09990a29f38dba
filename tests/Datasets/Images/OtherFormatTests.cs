using Tessera.Datasets.Images;

namespace Tessera.Tests.Datasets.Images;

public class OtherFormatTests
{
    public static TheoryData<string, byte[]> Beginnings =>
        new()
        {
            { "GIF", [.. "GIF89a"u8, 1, 0, 1, 0, 0, 0, 0] },
            { "GIF", [.. "GIF87a"u8, 1, 0, 1, 0, 0, 0, 0] },
            { "HEIC", [0, 0, 0, 24, .. "ftypheic"u8, 0, 0, 0, 0, .. "mif1heic"u8] },
            { "HEIC", [0, 0, 0, 24, .. "ftypmif1"u8, 0, 0, 0, 0, .. "mif1heic"u8] },
            { "AVIF", [0, 0, 0, 32, .. "ftypavif"u8, 0, 0, 0, 0, .. "avifmif1miafMA1B"u8] },
            { "AVIF", [0, 0, 0, 32, .. "ftypmif1"u8, 0, 0, 0, 0, .. "mif1avifmiafMA1B"u8] },
            { "BigTIFF", [.. "II+"u8, 0, 8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0] },
            { "HEIF", [0, 0, 0, 24, .. "ftypmif1"u8, 0, 0, 0, 0, .. "mif1miaf"u8] },
            { "PNM", [.. "P6\n2 2\n255\n"u8] },
            { "DICOM", [.. new byte[128], .. "DICM"u8] },
            { "JPEG XL", [0xFF, 0x0A, 1, 2, 3] },
            { "JPEG 2000", [0, 0, 0, 12, .. "jP  "u8, 0x0D, 0x0A, 0x87, 0x0A] },
        };

    [Theory]
    [MemberData(nameof(Beginnings))]
    public void Open_FormatThatIsNotRead_IsNamed(string format, byte[] data) =>
        Assert.Equal(
            $"a.png: {format} files can't be read. JPEG, PNG, WebP, BMP and TIFF were expected; convert it.",
            CodecFixture.Refusal(data, "a.png")
        );

    [Fact]
    public void Open_FilmOfTheSameFamily_IsNamed() =>
        Assert.Contains(
            "a.mp4: MPEG-4 files can't be read",
            CodecFixture.Refusal((byte[])[0, 0, 0, 24, .. "ftypisom"u8, 0, 0, 0, 0, .. "isommp41"u8], "a.mp4"),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("a.JPG", true, null)]
    [InlineData("in/a.Jfif", true, null)]
    [InlineData("a.dib", true, null)]
    [InlineData("a.GIF", false, "GIF")]
    [InlineData("a.heic", false, "HEIC")]
    [InlineData("a.txt", false, null)]
    public void Names_TellWhatIsReadAndWhatIsNot(string name, bool read, string? format) =>
        Assert.Equal((read, format), (ImageCodec.HasExtension(name), ImageCodec.UnreadableFormat(name)));
}
