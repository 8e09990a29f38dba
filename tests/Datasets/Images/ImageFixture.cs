using System.IO.Compression;
using System.Text.Json;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Images;

/// <summary>Files of tests/Fixtures/images and what Pillow made of them.</summary>
internal static class ImageFixture
{
    private static readonly JsonElement References = FixtureFile.Json("images", "references.json");

    public static string Path(string name) => FixtureFile.At("images", name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path(name));

    public static IEnumerable<string> Names => References.EnumerateObject().Select(property => property.Name);

    public static Image Reference(string name)
    {
        var entry = References.GetProperty(name);
        return new Image(
            entry.GetProperty("height").GetInt32(),
            entry.GetProperty("width").GetInt32(),
            entry.GetProperty("channels").GetInt32(),
            entry.GetProperty("bits").GetInt32() == 16 ? PixelType.UInt16 : PixelType.UInt8,
            Inflate(entry.GetProperty("file").GetString()!)
        );
    }

    public static byte[] Inflate(string name)
    {
        using var zlib = new ZLibStream(File.OpenRead(Path(name)), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        zlib.CopyTo(memory);
        return memory.ToArray();
    }

    /// <summary>The largest difference of two 8-bit images of one shape.</summary>
    public static int LargestDifference(Image expected, Image actual)
    {
        Assert.Equal(
            (expected.Height, expected.Width, expected.Channels, expected.Type),
            (actual.Height, actual.Width, actual.Channels, actual.Type)
        );
        return LargestDifference(expected.Bytes, actual.Bytes);
    }

    public static int LargestDifference(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        var largest = 0;
        for (var i = 0; i < expected.Length; i++)
            largest = Math.Max(largest, Math.Abs(expected[i] - actual[i]));
        return largest;
    }

    /// <summary>Noise of a fixed seed.</summary>
    public static Image Noise(int height, int width, int channels, PixelType type = PixelType.UInt8, ulong seed = 1)
    {
        var random = new RandomSource(seed);
        var image = new Image(height, width, channels, type);
        switch (type)
        {
            case PixelType.UInt8:
                foreach (ref var value in image.Pixels<byte>())
                    value = (byte)random.Next(256);
                break;
            case PixelType.UInt16:
                foreach (ref var value in image.Pixels<ushort>())
                    value = (ushort)random.Next(65536);
                break;
            default:
                foreach (ref var value in image.Pixels<float>())
                    value = (float)random.NextDouble();
                break;
        }
        return image;
    }
}
