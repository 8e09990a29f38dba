using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images;

/// <summary>
/// Damaged JPEG, WebP, BMP and TIFF files of every kind: a picture or one clear error, never another exception.
/// TESSERA_TEST_FULL=1 tries many more.
/// </summary>
public class CodecFuzzTests
{
    private static readonly int Rounds = Environment.GetEnvironmentVariable("TESSERA_TEST_FULL") == "1" ? 10_000 : 200;

    public static TheoryData<string> Seeds =>
        [
            "rgb-420.jpg",
            "rgb-444-progressive.jpg",
            "rgb-440.jpg",
            "gray-progressive.jpg",
            "ycck-420.jpg",
            "cmyk-progressive.jpg",
            "restart.jpg",
            "arithmetic.jpg",
            "profile.jpg",
            "lossy-alpha.webp",
            "profile-lossless.webp",
            "one-lossy.webp",
            "orientation-long.webp",
            "rgb.bmp",
            "rgba.bmp",
            "palette.bmp",
            "565.bmp",
            "bit.bmp",
            "top-down.bmp",
            "rgb-none.tif",
            "rgb-lzw.tif",
            "rgb-deflate.tif",
            "gray-packbits.tif",
            "rgb-16-predictor-lzw.tif",
            "rgb-tiles-lzw.tif",
            "rgb-16-planes-tiles-deflate.tif",
            "rgba-premultiplied.tif",
            "palette-4.tif",
            "gray-1-tiles.tif",
            "rgb-16-big-endian-predictor-lzw.tif",
        ];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Decode_Mutated_GivesAPictureOrAUserError(string name)
    {
        var original = name.EndsWith(".bmp", StringComparison.Ordinal) ? ImageFixture.Bytes(name) : CodecFixture.Bytes(name);
        var errors = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var random = new RandomSource((ulong)round * 6364136223846793005 + (ulong)name.Length);
            var mutated = MalformedImageTests.Mutate(original, random);
            if (name.EndsWith(".tif", StringComparison.Ordinal) && random.Chance(0.5))
                MutateDirectory(mutated, random);
            try
            {
                var options = new DecodeOptions(
                    (ColorType)(round % 4),
                    MaxPixels: 200_000,
                    JpegDecoder: round % 2 == 0 ? JpegDecoder.Skia : JpegDecoder.Auto
                );
                var image = ImageCodec.Decode(mutated, name, options);
                Assert.InRange((long)image.Height * image.Width, 1, options.MaxPixels);
                Assert.Equal(image.Height * image.Width * image.Channels * (image.Type == PixelType.UInt16 ? 2 : 1), image.Bytes.Length);
            }
            catch (UserErrorException error)
            {
                Assert.StartsWith(name + ": ", error.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', error.Message);
                errors++;
            }
        }
        Assert.InRange(errors, 1, Rounds);
    }

    /// <summary>The directory stands at a TIFF file's end, and is small: general changes seldom meet it.</summary>
    private static void MutateDirectory(byte[] bytes, RandomSource random)
    {
        if (bytes.Length < 16)
            return;
        var begin =
            bytes[0] == 'I' ? BitConverter.ToInt32(bytes, 4) : System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(4));
        if (begin < 8 || begin >= bytes.Length)
            return;
        for (var i = random.Next(1, 4); i > 0; i--)
            bytes[random.Next(begin, Math.Min(bytes.Length, begin + 220))] = random.Chance(0.5)
                ? (byte)random.Next(10)
                : (byte)random.Next(256);
    }
}
