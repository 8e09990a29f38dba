using System.Runtime.InteropServices;
using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Images;

/// <summary>What OpenCV made of resize-source.png: tests/Fixtures/images/geometry.py.</summary>
internal static class GeometryFixture
{
    private static readonly byte[] Expected = ImageFixture.Inflate("geometry.raw");
    private static readonly Image Rgb = ImageCodec.Load(ImageFixture.Path("resize-source.png"));

    /// <summary>The levels that can run here: vectors of 128 bits everywhere, if need be by .NET's software (DOTNET_EnableHWIntrinsic=0),
    /// with the portable operations.</summary>
    internal static IEnumerable<SimdLevel> Levels =>
        Enum.GetValues<SimdLevel>().Where(level => level != SimdLevel.Avx2 || Simd.Best == SimdLevel.Avx2);

    public static JsonElement[] Cases(string step) =>
        [.. FixtureFile.Json("images", "geometry.json").EnumerateArray().Where(entry => entry.GetProperty("step").GetString() == step)];

    public static Interpolation Filter(JsonElement entry) => Enum.Parse<Interpolation>(entry.GetProperty("filter").GetString()!);

    public static Image Source(JsonElement entry)
    {
        var pixels = Rgb.Height * Rgb.Width;
        switch (entry.GetProperty("mode").GetString())
        {
            case "RGB":
                return Rgb;
            case "L":
                var gray = new Image(Rgb.Height, Rgb.Width, 1);
                for (var i = 0; i < pixels; i++)
                    gray.Bytes[i] = Rgb.Bytes[3 * i];
                return gray;
            case "RGBA":
                var four = new Image(Rgb.Height, Rgb.Width, 4);
                for (var i = 0; i < pixels; i++)
                {
                    Rgb.Bytes.AsSpan(3 * i, 3).CopyTo(four.Bytes.AsSpan(4 * i));
                    four.Bytes[4 * i + 3] = Rgb.Bytes[3 * i + 1];
                }
                return four;
            case "Words":
                var words = new Image(Rgb.Height, Rgb.Width, 1, PixelType.UInt16);
                for (var i = 0; i < pixels; i++)
                    words.Pixels<ushort>()[i] = (ushort)(Rgb.Bytes[3 * i] * 256 + Rgb.Bytes[3 * i + 1]);
                return words;
            default:
                var floats = new Image(Rgb.Height, Rgb.Width, 1, PixelType.Float32);
                for (var i = 0; i < pixels; i++)
                    floats.Pixels<float>()[i] = Rgb.Bytes[3 * i] + Rgb.Bytes[3 * i + 1] / 256f;
                return floats;
        }
    }

    /// <summary>Asserts that no value is further from OpenCV's than this; floats, than 1/1000.</summary>
    public static void AssertAgrees(JsonElement entry, Image actual, int tolerance)
    {
        Assert.Equal((entry.GetProperty("height").GetInt32(), entry.GetProperty("width").GetInt32()), (actual.Height, actual.Width));
        var expected = Expected.AsSpan(entry.GetProperty("offset").GetInt32(), actual.Bytes.Length);
        var largest = actual.Type switch
        {
            PixelType.UInt8 => ImageFixture.LargestDifference(expected, actual.Bytes),
            PixelType.UInt16 => LargestDifference(
                MemoryMarshal.Cast<byte, ushort>(expected),
                actual.Pixels<ushort>(),
                static value => value
            ),
            _ => LargestDifference(MemoryMarshal.Cast<byte, float>(expected), actual.Pixels<float>(), static value => value),
        };
        Assert.True(largest <= (actual.Type == PixelType.Float32 ? 1e-3 : tolerance), $"{largest}: {entry}");
    }

    private static double LargestDifference<T>(ReadOnlySpan<T> expected, ReadOnlySpan<T> actual, Func<T, double> value)
    {
        var largest = 0.0;
        for (var i = 0; i < expected.Length; i++)
            largest = Math.Max(largest, Math.Abs(value(expected[i]) - value(actual[i])));
        return largest;
    }

    /// <summary>A slow wave in every channel: at most 5 levels from one pixel to the next.</summary>
    public static Image Waves(int height, int width, int channels)
    {
        var image = new Image(height, width, channels);
        for (var i = 0; i < image.Bytes.Length; i++)
        {
            var (y, x, c) = (i / channels / width, i / channels % width, i % channels);
            image.Bytes[i] = (byte)Math.Round(127 + 60 * Math.Sin(0.05 * x + c) + 60 * Math.Cos(0.04 * y - c));
        }
        return image;
    }
}
