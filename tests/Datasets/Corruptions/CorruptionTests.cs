using System.IO.Compression;
using System.Text.Json;
using Tessera.Datasets.Corruptions;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Corruptions;

/// <summary>Against the package imagecorruptions on the same random numbers (tests/Fixtures/corruptions/make_corruptions.py); what draws its
/// numbers otherwise, by its mean and variance.</summary>
public class CorruptionTests
{
    private static readonly JsonElement s_fixture = FixtureFile.Json("corruptions", "corruptions.json");
    private static readonly int s_height = s_fixture.GetProperty("height").GetInt32(),
        s_width = s_fixture.GetProperty("width").GetInt32();

    public static TheoryData<string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var given in s_fixture.GetProperty("cases").EnumerateArray())
                cases.Add(given.GetProperty("kind").GetString()!, given.GetProperty("severity").GetInt32());
            return cases;
        }
    }

    public static TheoryData<CorruptionKind> Kinds => [.. Corruption.All];

    [Theory, MemberData(nameof(Cases))]
    public void Apply_OnTheSameNumbers_IsThePackages(string name, int severity)
    {
        var given = s_fixture
            .GetProperty("cases")
            .EnumerateArray()
            .Single(entry => entry.GetProperty("kind").GetString() == name && entry.GetProperty("severity").GetInt32() == severity);
        var kind = Corruption.All.Single(kind => ConfigKey.NameOf(kind.ToString()) == name);
        Assert.Equal(given.GetProperty("number").GetInt32(), (int)kind);
        var random = RandomSource.For(s_fixture.GetProperty("seed").GetInt32(), (int)kind, severity);
        var found = Corruption.Apply(Picture(), kind, severity, random).Bytes;
        var expected = Unpacked(given.GetProperty("pixels"));
        var differences = found.Zip(expected, (a, b) => Math.Abs(a - b)).ToArray();
        if (kind == CorruptionKind.ZoomBlur) // the package's enlargements may lack their last row
            differences = differences[..^(s_width * 3)];
        var most = kind switch
        {
            CorruptionKind.JpegCompression => 6, // another library's rounding of chroma
            _ => 1,
        };
        // A few values may fall on the other side of a threshold or of a pixel's border, in single precision there and in double here.
        Assert.InRange(differences.Count(difference => difference > most), 0, differences.Length / 100);
        Assert.InRange(differences.Average(), 0, kind == CorruptionKind.JpegCompression ? 1 : 0.3); // cut off a hair above or below a level
    }

    [Theory]
    [InlineData(CorruptionKind.GaussianNoise, 0.18 * 0.18)] // severity 3
    [InlineData(CorruptionKind.ShotNoise, 0.4 / 12)] // a count's variance is its mean
    [InlineData(CorruptionKind.SpeckleNoise, 0.4 * 0.4 * 0.35 * 0.35)]
    [InlineData(CorruptionKind.ImpulseNoise, 0.09 * ((0.6 * 0.6 * 0.5) + (0.4 * 0.4 * 0.5)) - (0.09 * 0.1 * 0.09 * 0.1))]
    public void Noise_HasItsMeanAndVariance(CorruptionKind kind, double variance)
    {
        const int side = 600;
        var gray = new Image(side, side, 3);
        gray.Bytes.AsSpan().Fill(102); // 0.4
        var values = Corruption.Apply(gray, kind, 3, new RandomSource(1)).Bytes.Select(value => (value + 0.5) / 255).ToArray();
        var mean = values.Average();
        var clipped = kind == CorruptionKind.GaussianNoise ? 0.01 : 0.005; // 0.4 is 2.2 deviations above 0
        Assert.InRange(
            mean,
            0.4 - clipped + (kind == CorruptionKind.ImpulseNoise ? 0.009 : 0),
            0.4 + clipped + (kind == CorruptionKind.ImpulseNoise ? 0.009 : 0)
        );
        Assert.InRange(values.Select(value => Math.Pow(value - mean, 2)).Average() / variance, 0.93, 1.03);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Apply_IsTheSameForTheSameNumbers_AndStrongerWithSeverity(CorruptionKind kind)
    {
        var picture = Picture();
        var before = picture.Bytes.ToArray();
        var changes = Enumerable
            .Range(1, 5)
            .Select(severity =>
            {
                var first = Corruption.Apply(picture, kind, severity, RandomSource.For(1, (int)kind, 4)).Bytes;
                Assert.Equal(first, Corruption.Apply(picture, kind, severity, RandomSource.For(1, (int)kind, 4)).Bytes);
                return first.Zip(picture.Bytes, (a, b) => Math.Abs(a - b)).Average();
            })
            .ToArray();
        Assert.Equal(before, picture.Bytes); // the image itself is untouched
        Assert.All(changes, change => Assert.True(change > 0));
        if (kind != CorruptionKind.Saturate) // less colour at first, then more
            Assert.True(changes[4] > changes[0] * 0.9, string.Join(" ", changes));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Apply_ToGrayAnd16Bits_KeepsTheirForm(CorruptionKind kind)
    {
        foreach (var (channels, type) in new[] { (1, PixelType.UInt8), (3, PixelType.UInt16), (1, PixelType.UInt16) })
        {
            var image = new Image(17, 19, channels, type);
            for (var i = 0; i < image.Bytes.Length; i++)
                image.Bytes[i] = (byte)(i * 7);
            foreach (var severity in (int[])[1, 5])
            {
                var found = Corruption.Apply(image, kind, severity, new RandomSource(3));
                Assert.Equal((17, 19, channels, type), (found.Height, found.Width, found.Channels, found.Type));
            }
        }
    }

    [Fact]
    public void Frost_IsBrightestWhereItsNeedlesAre_AndDiffersByImage()
    {
        var black = new Image(200, 260, 3);
        var first = Corruption.Apply(black, CorruptionKind.Frost, 3, new RandomSource(1));
        Assert.InRange(first.Bytes.Average(value => value), 20, 120);
        Assert.True(first.Bytes.Max() > 100);
        Assert.NotEqual(first.Bytes, Corruption.Apply(black, CorruptionKind.Frost, 3, new RandomSource(2)).Bytes);
    }

    [Fact]
    public void Corrupt_WithASeed_DependsOnTheSampleAlone()
    {
        var step = new Corrupt(new CorruptOptions([CorruptionKind.Fog, CorruptionKind.Snow], [2, 4], Seed: 11));
        byte[] Of(long index, ulong random) =>
            step.Apply(
                    new Sample
                    {
                        Index = index,
                        Name = "x",
                        Image = new(Picture()),
                    },
                    new RandomSource(random)
                )
                .Image!.Decode()
                .Bytes;
        Assert.Equal(Of(5, 1), Of(5, 2));
        Assert.NotEqual(Of(5, 1), Of(6, 1));
        var drawn = new Corrupt(new CorruptOptions([CorruptionKind.GaussianNoise]));
        Assert.NotEqual(
            drawn
                .Apply(
                    new Sample
                    {
                        Index = 5,
                        Name = "x",
                        Image = new(Picture()),
                    },
                    new RandomSource(1)
                )
                .Image!.Decode()
                .Bytes,
            drawn
                .Apply(
                    new Sample
                    {
                        Index = 5,
                        Name = "x",
                        Image = new(Picture()),
                    },
                    new RandomSource(2)
                )
                .Image!.Decode()
                .Bytes
        );
    }

    [Fact]
    public void Corrupt_NamesWhatItCanNotCorrupt()
    {
        Assert.Contains(
            "severity is 6",
            Assert.Throws<UserErrorException>(() => new Corrupt(new CorruptOptions(Severities: [1, 6]))).Message,
            StringComparison.Ordinal
        );
        var floats = new Sample
        {
            Index = 0,
            Name = "x",
            Image = new(new Image(4, 4, 3, PixelType.Float32)),
        };
        Assert.Contains(
            "right after LoadImage",
            Assert.Throws<UserErrorException>(() => new Corrupt(new CorruptOptions()).Apply(floats, new RandomSource(0))).Message,
            StringComparison.Ordinal
        );
    }

    private static Image Picture() => new(s_height, s_width, 3, PixelType.UInt8, Unpacked(s_fixture.GetProperty("image")));

    private static byte[] Unpacked(JsonElement text)
    {
        using var stream = new ZLibStream(new MemoryStream(Convert.FromBase64String(text.GetString()!)), CompressionMode.Decompress);
        using var result = new MemoryStream();
        stream.CopyTo(result);
        return result.ToArray();
    }
}
