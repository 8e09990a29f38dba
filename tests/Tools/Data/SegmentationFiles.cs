using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.Data;

/// <summary>A tiny segmentation data set in a temporary folder, and a config for it.</summary>
internal sealed class SegmentationFiles : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("tessera-maps-").FullName;

    public string Config => System.IO.Path.Combine(Path, "config.json");

    public SegmentationFiles() =>
        File.WriteAllText(
            Config,
            """
            {
              "model": { "type": "Segmentor", "backbone": { "type": "ResNet", "depth": 18 }, "decode_head": { "type": "FcnHead", "losses": { "ce": { "type": "CrossEntropyLoss" } } } },
              "vars": { "map": { "0": "sky", "1": "road", "2": "car", "9": "ignore" } },
              "train": { "dataset": { "type": "SegmentationFolder", "path": ".", "split": "train", "label_map": "${vars.map}",
                "pipeline": [{ "type": "LoadImage" }, { "type": "LoadSegmentation" }, { "type": "RandomFlip", "prob": 0.5 }, { "type": "Normalize" }] } },
              "val": { "dataset": { "type": "SegmentationFolder", "path": ".", "split": "val", "label_map": "${vars.map}",
                "pipeline": [{ "type": "LoadImage" }, { "type": "Resize", "size": [8, 16] }, { "type": "Normalize" }, { "type": "LoadSegmentation" }] } }
            }
            """.Replace("\".\"", System.Text.Json.JsonSerializer.Serialize(Path), StringComparison.Ordinal)
        );

    /// <param name="seed">Of the photograph's pixels.</param>
    /// <param name="labels">[H, W], rows one after another.</param>
    public void Add(string split, string name, int seed, int height, int width, params byte[] labels)
    {
        Image(split, name, seed, height, width);
        var map = new Image(height, width, 1, PixelType.UInt8, labels);
        Write(split, "label", name, ImageCodec.EncodePng(map));
    }

    public void Image(string split, string name, int seed, int height, int width)
    {
        var image = new Image(height, width, 3);
        new Random(seed).NextBytes(image.Bytes);
        Write(split, "image", name, ImageCodec.EncodePng(image));
    }

    public void Write(string split, string kind, string name, byte[] bytes)
    {
        var folder = Directory.CreateDirectory(System.IO.Path.Combine(Path, split, kind)).FullName;
        File.WriteAllBytes(System.IO.Path.Combine(folder, name + ".png"), bytes);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
