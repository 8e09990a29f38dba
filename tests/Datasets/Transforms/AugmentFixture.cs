using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>What torchvision, timm, OpenCV and MMDetection made of resize-source.png: tests/Fixtures/augment.</summary>
internal static class AugmentFixture
{
    public static readonly JsonElement Torchvision = FixtureFile.Json("augment", "torchvision.json");
    public static readonly JsonElement Timm = FixtureFile.Json("augment", "timm.json");
    public static readonly JsonElement Geometry = FixtureFile.Json("augment", "geometry.json");

    public static Image Rgb => ImageCodec.Load(ImageFixture.Path("resize-source.png"));

    public static Image Red
    {
        get
        {
            var rgb = Rgb;
            var red = new Image(rgb.Height, rgb.Width, 1);
            for (var i = 0; i < red.Bytes.Length; i++)
                red.Bytes[i] = rgb.Bytes[3 * i];
            return red;
        }
    }

    public static Image Source(JsonElement entry) => entry.GetProperty("mode").GetString() == "L" ? Red : Rgb;

    public static double[] Fill(Image image) => image.Channels == 1 ? [90] : [124, 7, 201];

    public static Sample Sample(Image image) =>
        new()
        {
            Index = 0,
            Name = "picture",
            Image = new(image),
        };

    public static Interpolation Filter(JsonElement entry) => Enum.Parse<Interpolation>(entry.GetProperty("filter").GetString()!);

    /// <summary>As the scripts give pixels.</summary>
    public static string Digest(Image image) => Convert.ToHexStringLower(SHA256.HashData(image.Bytes))[..16];

    public static byte[] Pixels(JsonElement entry)
    {
        using var zlib = new ZLibStream(new MemoryStream(entry.GetProperty("pixels").GetBytesFromBase64()), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        zlib.CopyTo(memory);
        return memory.ToArray();
    }

    public static JsonElement[] All(this JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray()];

    public static double Number(this JsonElement element, string name) => element.GetProperty(name).GetDouble();

    public static int Whole(this JsonElement element, string name) => element.GetProperty(name).GetInt32();

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
