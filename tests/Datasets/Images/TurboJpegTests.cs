using System.Runtime.InteropServices;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Codecs;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images;

/// <summary>The system's libjpeg-turbo is an accelerator: where it is used, no pixel differs from those of Skia's decoder.</summary>
public unsafe class TurboJpegTests
{
    private const string Library = "libturbojpeg.so.0";
    private const int Gray = 3;
    private const int Progressive = 16384;

    private static readonly (int Height, int Width)[] Sizes =
    [
        (1, 1),
        (1, 17),
        (2, 3),
        (7, 9),
        (8, 8),
        (15, 16),
        (16, 16),
        (17, 33),
        (31, 64),
        (37, 53),
        (100, 75),
        (129, 255),
        (240, 321),
    ];

    /// <param name="subsampling">libjpeg-turbo's number: 4:4:4, 4:2:2, 4:2:0, gray, 4:4:0, 4:1:1.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(Gray)]
    [InlineData(4)]
    [InlineData(5)]
    public void Decode_EachSizeFractionAndCoding_EqualsSkia(int subsampling)
    {
        if (!Installed)
            return;
        foreach (var (height, width) in Sizes)
        {
            foreach (var flags in (int[])[0, Progressive])
            {
                var file = Encode(Picture(height, width, subsampling == Gray ? 1 : 3), subsampling, flags, flags == 0 ? 75 : 93);
                var header = JpegFile.ReadHeader(file, "memory");
                foreach (var denominator in (int[])[1, 2, 4, 8])
                {
                    var case_ = $"{height} x {width}, 1/{denominator}, flags {flags}";
                    var skia = JpegCodec.Decode(file, "memory", header, ColorType.Unchanged, denominator, JpegDecoder.Skia);
                    Assert.Equal(
                        ((height + denominator - 1) / denominator, (width + denominator - 1) / denominator),
                        (skia.Height, skia.Width)
                    );
                    var turbo = new Image(skia.Height, skia.Width, skia.Channels);
                    Assert.True(TurboJpeg.TryDecode(file, header, turbo), case_);
                    Assert.True(skia.Bytes.AsSpan().SequenceEqual(turbo.Bytes), case_);
                }
            }
        }
    }

    [Fact]
    public void Description_Installed_NamesTheLibrary()
    {
        if (Installed && JpegDecoders.Parse(Environment.GetEnvironmentVariable(JpegDecoders.Variable)) != JpegDecoder.Skia)
            Assert.Equal($"libjpeg-turbo ({Library})", ImageCodec.JpegDecoder);
        else
            Assert.StartsWith("Skia (", ImageCodec.JpegDecoder, StringComparison.Ordinal);
    }

    [Fact]
    public void Problem_IsNullExactlyWhereTheLibraryIsInstalled() => Assert.Equal(Installed, TurboJpeg.Problem is null);

    [Theory]
    [InlineData(null, JpegDecoder.Auto)]
    [InlineData("auto", JpegDecoder.Auto)]
    [InlineData("Skia", JpegDecoder.Skia)]
    [InlineData("turbojpeg", JpegDecoder.TurboJpeg)]
    public void Variable_KnownWord_Chooses(string? value, JpegDecoder expected) => Assert.Equal(expected, JpegDecoders.Parse(value));

    [Fact]
    public void Variable_UnknownWord_IsAnError() =>
        Assert.Equal(
            "TESSERA_JPEG_DECODER is \"libjpeg\"; auto, skia or turbojpeg was expected.",
            Assert.Throws<UserErrorException>(() => JpegDecoders.Parse("libjpeg")).Message
        );

    [Fact]
    public void AskedFor_Missing_IsAnError()
    {
        Assert.Equal(
            "The JPEG decoder \"turbojpeg\" was asked for and can't be used: libturbojpeg is not installed. \"auto\" takes Skia's then.",
            Assert.Throws<UserErrorException>(() => JpegDecoders.Usable(JpegDecoder.TurboJpeg, "libturbojpeg is not installed")).Message
        );
        Assert.False(JpegDecoders.Usable(JpegDecoder.Auto, "libturbojpeg is not installed"));
        Assert.True(JpegDecoders.Usable(JpegDecoder.Auto, null));
    }

    /// <summary>
    /// Damage that libjpeg-turbo complains of is judged by Skia's decoder, so that a file is read or refused, with the same
    /// words, on every machine. Pixels aren't compared: coefficients out of range overflow in 16 bits there and in 32 here.
    /// </summary>
    [Theory]
    [InlineData("rgb-420.jpg")]
    [InlineData("rgb-444-progressive.jpg")]
    [InlineData("gray-progressive.jpg")]
    [InlineData("restart.jpg")]
    [InlineData("arithmetic.jpg")]
    public void Decode_Damaged_IsReadOrRefusedByBoth(string name)
    {
        var original = CodecFixture.Bytes(name);
        for (var round = 0; round < 300; round++)
        {
            var damaged = MalformedImageTests.Mutate(original, new RandomSource((ulong)round + 77));
            Assert.Equal(Outcome(damaged, JpegDecoder.Skia), Outcome(damaged, JpegDecoder.Auto));
        }
    }

    private static string Outcome(byte[] file, JpegDecoder decoder)
    {
        try
        {
            var image = ImageCodec.Decode(
                file,
                "memory",
                new DecodeOptions(ColorType.Unchanged, MaxPixels: 1_000_000, JpegDecoder: decoder)
            );
            return $"{image.Height} x {image.Width} x {image.Channels}";
        }
        catch (UserErrorException error)
        {
            return error.Message;
        }
    }

    private static bool Installed { get; } = NativeLibrary.TryLoad(Library, out _);

    private static Image Picture(int height, int width, int channels)
    {
        var image = ImageFixture.Noise(height, width, channels, seed: (ulong)(height * 1000 + width));
        for (var i = 0; i < image.Bytes.Length; i++)
            image.Bytes[i] = (byte)(image.Bytes[i] / 4 + (i / channels % width * 150 / width) + (i % channels * 20));
        return image;
    }

    private static byte[] Encode(Image image, int subsampling, int flags, int quality)
    {
        var handle = tjInitCompress();
        byte* file = null;
        var size = new CULong(0);
        fixed (byte* pixels = image.Bytes)
            Assert.Equal(
                0,
                tjCompress2(
                    handle,
                    pixels,
                    image.Width,
                    0,
                    image.Height,
                    image.Channels == 1 ? 6 : 0,
                    &file,
                    &size,
                    subsampling,
                    quality,
                    flags
                )
            );
        var result = new ReadOnlySpan<byte>(file, (int)size.Value).ToArray();
        tjFree(file);
        _ = tjDestroy(handle);
        return result;
    }

    [DllImport(Library)]
    private static extern nint tjInitCompress();

    [DllImport(Library)]
    private static extern int tjDestroy(nint handle);

    [DllImport(Library)]
    private static extern void tjFree(byte* buffer);

    [DllImport(Library)]
    private static extern int tjCompress2(
        nint handle,
        byte* pixels,
        int width,
        int pitch,
        int height,
        int format,
        byte** file,
        CULong* size,
        int subsampling,
        int quality,
        int flags
    );
}
