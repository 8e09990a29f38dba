using System.IO.Compression;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.Configs;

/// <summary>A data_root with everything that the configs ask for, as small as can be: ten classes, an image each.</summary>
public sealed class TinyData : IDisposable
{
    public TinyData()
    {
        var random = new Random(1);
        foreach (var split in new[] { "train", "val" })
        {
            for (var label = 0; label < 10; label++)
            {
                var folder = Directory.CreateDirectory(Path.Combine(Root, "imagenet", split, $"class{label}")).FullName;
                File.WriteAllBytes(Path.Combine(folder, "1.png"), Png(random, 80, 72));
            }
        }
        foreach (var split in new[] { "train", "val", "test" })
        {
            for (var i = 0; i < 4; i++)
            {
                Write($"camvid/{split}/image/{i}.png", Png(random, 72, 96));
                Write($"camvid/{split}/label/{i}.png", Labels(random, 72, 96, 12));
            }
        }
        using var zip = ZipFile.Open(Path.Combine(Root, "cifar10.zip"), ZipArchiveMode.Create);
        foreach (var split in new[] { "train", "test" })
        {
            for (var label = 0; label < 10; label++)
            {
                using var entry = zip.CreateEntry($"{split}/class{label}/1.png").Open();
                entry.Write(Png(random, 32, 32));
            }
        }
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("tessera-data").FullName;

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private void Write(string name, byte[] bytes)
    {
        var path = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    private static byte[] Labels(Random random, int height, int width, int values)
    {
        var pixels = new byte[height * width];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)random.Next(values);
        return ImageCodec.EncodePng(new Image(height, width, 1, PixelType.UInt8, pixels));
    }

    private static byte[] Png(Random random, int height, int width)
    {
        var pixels = new byte[height * width * 3];
        random.NextBytes(pixels);
        return ImageCodec.EncodePng(new Image(height, width, 3, PixelType.UInt8, pixels));
    }
}
