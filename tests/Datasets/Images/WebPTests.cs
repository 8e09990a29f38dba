using Tessera.Datasets.Images;

namespace Tessera.Tests.Datasets.Images;

public class WebPTests
{
    public static TheoryData<string> Files => [.. CodecFixture.Names(".webp")];

    [Theory]
    [MemberData(nameof(Files))]
    public void Decode_Color_EqualsPillow(string name)
    {
        var tolerance = name.Contains("lossy", StringComparison.Ordinal) ? 1 : 0; // Pillow may have another libwebp
        Assert.InRange(
            ImageFixture.LargestDifference(CodecFixture.Reference(name), ImageCodec.Load(CodecFixture.Path(name))),
            0,
            tolerance
        );
    }

    /// <summary>Colours aren't multiplied by their alpha: where it is small, nothing of them would be left.</summary>
    [Fact]
    public void Decode_LossyAlpha_KeepsColours()
    {
        var image = ImageCodec.Load(CodecFixture.Path("lossy-alpha.webp"), new DecodeOptions(ColorType.Unchanged));
        Assert.InRange(ImageFixture.LargestDifference(CodecFixture.Reference("lossy-alpha.webp+rgba"), image), 0, 1);
    }

    [Fact]
    public void Open_Extended_ReadsSizeAndOrientation()
    {
        var encoded = ImageCodec.Open(CodecFixture.Bytes("orientation-long.webp"), "turned");
        Assert.Equal((53, 37), (encoded.Height, encoded.Width));
    }

    /// <summary>The size stands twice in an extended file.</summary>
    [Fact]
    public void Decode_SizesThatDisagree_IsAnError()
    {
        var bytes = CodecFixture.Bytes("orientation-long.webp");
        bytes[24]++; // the canvas is one pixel wider than the picture
        Assert.Contains("WebP file is damaged", CodecFixture.Refusal(bytes, "x.webp"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("one.webp", 24, "truncated")]
    [InlineData("one-lossy.webp", 29, "truncated")]
    [InlineData("one-lossy.webp", 40, "truncated")]
    public void Open_Short_SaysSo(string name, int length, string reason) =>
        Assert.Contains(reason, CodecFixture.Refusal(CodecFixture.Bytes(name).AsMemory(0, length), name), StringComparison.Ordinal);

    [Fact]
    public void Open_HugeCanvas_IsRefusedBeforeDecoding()
    {
        var bytes = CodecFixture.Bytes("orientation-long.webp");
        bytes.AsSpan(24, 6).Fill(0xFF);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("16,777,216 x 16,777,216", CodecFixture.Refusal(bytes, "x.webp"), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }
}
