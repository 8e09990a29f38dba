using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images.Png;

public class PngFuzzTests
{
    private const long MaxPixels = 200_000;

    /// <summary>
    /// 5,000 changed files, 200,000 where TESSERA_TEST_FULL is 1: each is a picture or one clear error. Half have right checksums,
    /// so that what lies behind those is reached.
    /// </summary>
    [Fact]
    public void Decode_Mutated_GivesAPictureOrAUserError()
    {
        var rounds = Environment.GetEnvironmentVariable("TESSERA_TEST_FULL") == "1" ? 200_000 : 5_000;
        var seeds = PngFixture.Names.Select(name => (Name: name, Bytes: PngFixture.Bytes(name))).ToArray();
        var ways = Enum.GetValues<ColorType>();
        var (pictures, errors) = (0, 0);
        for (var round = 0; round < rounds; round++)
        {
            var random = RandomSource.For(0, 0, round);
            var (name, bytes) = seeds[random.Next(seeds.Length)];
            var mutated = random.Chance(0.5) ? Bytewise(bytes, random) : WithRightChecksums(bytes, random);
            try
            {
                var image = ImageCodec.Decode(mutated, name, new DecodeOptions(ways[round % ways.Length], MaxPixels));
                Assert.InRange((long)image.Height * image.Width, 1, MaxPixels);
                pictures++;
            }
            catch (UserErrorException error)
            {
                Assert.StartsWith(name + ": ", error.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', error.Message);
                errors++;
            }
            catch (Exception error) when (error is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"Round {round}, {name}: {error}");
            }
        }
        Assert.InRange(pictures, rounds / 50, rounds); // otherwise nothing behind the first checks was reached
        Assert.InRange(errors, rounds / 4, rounds);
    }

    private static byte[] Bytewise(byte[] original, RandomSource random)
    {
        var bytes = original.ToArray();
        var (from, to) = (random.Next(4, bytes.Length), random.Next(4, bytes.Length));
        switch (random.Next(5))
        {
            case 0:
                for (var i = random.Next(1, 8); i > 0; i--)
                    bytes[random.Next(4, bytes.Length)] = (byte)random.Next(256);
                return bytes;
            case 1: // one bit
                bytes[from] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 2: // cut off
                return bytes[..from];
            case 3: // a piece elsewhere as well
                return [.. bytes[..from], .. bytes[Math.Min(from, to)..Math.Max(from, to)], .. bytes[from..]];
            default: // a piece cut out
                return [.. bytes[..Math.Min(from, to)], .. bytes[Math.Max(from, to)..]];
        }
    }

    private static byte[] WithRightChecksums(byte[] original, RandomSource random)
    {
        var parts = PngParts.Split(original);
        var (one, other) = (random.Next(parts.Count), random.Next(parts.Count));
        switch (random.Next(6))
        {
            case 0: // another header
                parts[0] = new("IHDR", Changed(parts[0].Content, random));
                break;
            case 1: // a chunk's content, its length too
                var content = Changed(parts[one].Content, random);
                parts[one] = parts[one] with { Content = random.Chance(0.5) ? content : content[..random.Next(content.Length + 1)] };
                break;
            case 2: // chunks exchanged
                (parts[one], parts[other]) = (parts[other], parts[one]);
                break;
            case 3: // left out or doubled
                if (random.Chance(0.5))
                    parts.RemoveAt(one);
                else
                    parts.Insert(other, parts[one]);
                break;
            case 4: // another type
                string[] types = ["IHDR", "PLTE", "tRNS", "eXIf", "IDAT", "IEND", "acTL", "ABCD"];
                parts[one] = parts[one] with { Type = types[random.Next(types.Length)] };
                break;
            default: // other rows, soundly compressed
                var rows = Changed(PngParts.Rows(parts), random);
                var at = parts.FindIndex(part => part.Type == "IDAT");
                parts.RemoveAll(part => part.Type == "IDAT");
                parts.Insert(at, PngParts.Data(random.Chance(0.8) ? rows : rows[..random.Next(rows.Length)]));
                break;
        }
        return PngParts.Join(parts);
    }

    private static byte[] Changed(byte[] content, RandomSource random)
    {
        var bytes = content.ToArray();
        for (var i = random.Next(1, 4); i > 0 && bytes.Length > 0; i--)
        {
            var at = random.Next(bytes.Length);
            bytes[at] = random.Next(3) switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)random.Next(8),
                _ => (byte)(bytes[at] ^ (1 << random.Next(8))),
            };
        }
        return bytes;
    }
}
