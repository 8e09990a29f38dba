using System.IO.Compression;
using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images;

/// <summary>Files of tests/Fixtures/codecs and what Pillow made of them.</summary>
internal static class CodecFixture
{
    private static readonly JsonElement References = FixtureFile.Json("codecs", "references.json");
    private static readonly Lazy<byte[]> Pixels = new(Inflate);

    public static string Path(string name) => FixtureFile.At("codecs", "files", name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path(name));

    /// <summary>Names of the references; after a "+" stands how the file is to be decoded.</summary>
    public static IEnumerable<string> Names(string extension) =>
        References.EnumerateObject().Select(property => property.Name).Where(name => name.EndsWith(extension, StringComparison.Ordinal));

    public static Image Reference(string name)
    {
        var entry = References.GetProperty(name);
        return new Image(
            entry.GetProperty("height").GetInt32(),
            entry.GetProperty("width").GetInt32(),
            entry.GetProperty("channels").GetInt32(),
            entry.GetProperty("bits").GetInt32() == 16 ? PixelType.UInt16 : PixelType.UInt8,
            Pixels.Value.AsSpan(entry.GetProperty("offset").GetInt32(), entry.GetProperty("length").GetInt32()).ToArray()
        );
    }

    /// <summary>The shape, the type and every value.</summary>
    public static void AssertSame(Image expected, Image actual)
    {
        Assert.Equal(
            (expected.Height, expected.Width, expected.Channels, expected.Type),
            (actual.Height, actual.Width, actual.Channels, actual.Type)
        );
        Assert.Equal(expected.Bytes, actual.Bytes);
    }

    /// <summary>The message with which decoding the file is refused.</summary>
    public static string Refusal(ReadOnlyMemory<byte> data, string name, DecodeOptions? options = null) =>
        Assert.Throws<UserErrorException>(() => ImageCodec.Decode(data, name, options)).Message;

    private static byte[] Inflate()
    {
        using var zlib = new ZLibStream(File.OpenRead(FixtureFile.At("codecs", "references.raw")), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        zlib.CopyTo(memory);
        return memory.ToArray();
    }
}
