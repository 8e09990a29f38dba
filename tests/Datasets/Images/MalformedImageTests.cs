using System.Diagnostics;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images;

public class MalformedImageTests
{
    public static TheoryData<string> Files =>
        [
            "baseline.jpg",
            "progressive.jpg",
            "gray.jpg",
            "orientation-6.jpg",
            "rgba.png",
            "palette-transparent.png",
            "interlaced.png",
            "gray-16.png",
            "bit.png",
            "lossy.webp",
            "lossless.webp",
            "alpha.webp",
            "rgb.bmp",
            "palette.bmp",
            "565.bmp",
            "bit.bmp",
        ];

    /// <summary>Bytes changed, cut out, doubled and cut off: every result is a picture or one clear error.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void Decode_Mutated_GivesAPictureOrAUserError(string name)
    {
        var original = ImageFixture.Bytes(name);
        var options = new DecodeOptions(ColorType.Unchanged, MaxPixels: 1_000_000);
        var clock = Stopwatch.StartNew();
        var (pictures, errors) = (0, 0);
        for (var round = 0; round < 400; round++)
        {
            var mutated = Mutate(original, new RandomSource((ulong)round * 7919 + (ulong)name.Length));
            try
            {
                var image = ImageCodec.Decode(mutated, name, options);
                Assert.InRange((long)image.Height * image.Width, 1, options.MaxPixels);
                pictures++;
            }
            catch (UserErrorException error)
            {
                Assert.StartsWith(name + ": ", error.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', error.Message);
                errors++;
            }
        }
        Assert.True(errors > 0, "no mutation was noticed");
        Assert.Equal(400, pictures + errors);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
    }

    internal static byte[] Mutate(byte[] original, RandomSource random)
    {
        var bytes = original.ToArray();
        var header = Math.Min(bytes.Length, 200);
        switch (random.Next(5))
        {
            case 0: // a few bytes anywhere
                for (var i = random.Next(1, 8); i > 0; i--)
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return bytes;
            case 1: // a few bytes in the header
                for (var i = random.Next(1, 8); i > 0; i--)
                    bytes[random.Next(3, header)] = random.Chance(0.5) ? (byte)0xFF : (byte)random.Next(256);
                return bytes;
            case 2: // cut off
                return bytes[..random.Next(3, bytes.Length)];
            case 3: // a piece doubled
                var at = random.Next(bytes.Length);
                var end = Math.Min(bytes.Length, at + random.Next(1, 100));
                return [.. bytes[..end], .. bytes[at..]];
            default: // a piece cut out
                var from = random.Next(3, bytes.Length);
                return [.. bytes[..from], .. bytes[Math.Min(bytes.Length, from + random.Next(1, 100))..]];
        }
    }
}
