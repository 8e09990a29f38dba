using System.IO.Compression;
using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Images.Png;

/// <summary>Files of tests/Fixtures/png and the pixels that are in them, agreed with Pillow.</summary>
internal static class PngFixture
{
    private static readonly JsonElement References = FixtureFile.Json("png", "references.json");
    private static readonly byte[] Pixels = Inflate();

    public static IEnumerable<string> Names => References.EnumerateObject().Select(property => property.Name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(FixtureFile.At("png", "files", name));

    public static Image Reference(string name, ColorType way)
    {
        var file = References.GetProperty(name);
        var entry = file.GetProperty(way.ToString().ToLowerInvariant());
        var type = entry.GetProperty("bits").GetInt32() == 16 ? PixelType.UInt16 : PixelType.UInt8;
        var image = new Image(
            file.GetProperty("height").GetInt32(),
            file.GetProperty("width").GetInt32(),
            entry.GetProperty("channels").GetInt32(),
            type
        );
        Pixels.AsSpan(entry.GetProperty("offset").GetInt32(), image.Bytes.Length).CopyTo(image.Bytes);
        return image;
    }

    public static void AssertSame(Image expected, Image actual)
    {
        Assert.Equal(
            (expected.Height, expected.Width, expected.Channels, expected.Type),
            (actual.Height, actual.Width, actual.Channels, actual.Type)
        );
        Assert.Equal(expected.Bytes, actual.Bytes);
    }

    private static byte[] Inflate()
    {
        using var zlib = new ZLibStream(File.OpenRead(FixtureFile.At("png", "references.raw")), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        zlib.CopyTo(memory);
        return memory.ToArray();
    }
}
