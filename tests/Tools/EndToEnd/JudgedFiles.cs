using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Small data with faults, and configs of small models for it, in a folder of its own.</summary>
public sealed class JudgedFiles : IDisposable
{
    private const string Rest = """
        "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu", "optimizer": { "type": "Sgd", "lr": 0.01 }
        """;

    private const string Backbone = """
        { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "stem": "small", "base_channels": 8, "strides": [2, 2, 2, 2], "zero_init_residual": false }
        """;

    public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-judged").FullName;

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    public string Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    public string Write(string name, byte[] bytes)
    {
        var path = At(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>A picture with a bright box on gray noise.</summary>
    public static byte[] Png(int seed, int height = 64, int width = 64) => ImageCodec.EncodePng(Picture(seed, height, width));

    public static Image Picture(int seed, int height, int width)
    {
        var image = new Image(height, width, 3);
        new Random(seed).NextBytes(image.Bytes);
        return image;
    }

    /// <summary>A JPEG whose EXIF orientation turns it by a quarter (6): it is stored lying, and shown upright.</summary>
    /// <param name="height">As stored.</param>
    /// <param name="width">As stored.</param>
    public static byte[] TurnedJpeg(int height, int width, int seed = 3)
    {
        var jpeg = ImageCodec.EncodeJpeg(Picture(seed, height, width));
        byte[] exif =
        [
            0xFF,
            0xE1,
            0,
            34,
            .. "Exif\0\0"u8,
            .. "II*\0"u8,
            8,
            0,
            0,
            0, // segment of 34 bytes; directory at 8
            1,
            0,
            0x12,
            0x01,
            3,
            0,
            1,
            0,
            0,
            0,
            6,
            0,
            0,
            0,
            0,
            0,
            0,
            0, // one entry: orientation, a short, 6; no next
        ];
        return [.. jpeg[..2], .. exif, .. jpeg[2..]];
    }

    /// <summary>Photographs and masks below train and val, and a config; returns its path.</summary>
    /// <param name="mask">The value at a row and column of sample i.</param>
    /// <param name="changes">Of the data set's options, both parts'.</param>
    public string Segmentation(Func<int, int, int, byte> mask, string changes = "\"classes\": [\"background\", \"crack\"]", int count = 4)
    {
        foreach (var part in new[] { "train", "val" })
        {
            for (var i = 0; i < count; i++)
            {
                var labels = new Image(64, 64, 1);
                for (var y = 0; y < 64; y++)
                for (var x = 0; x < 64; x++)
                    labels.Bytes[y * 64 + x] = mask(i, y, x);
                Write($"{part}/image/{i}.png", Png(part == "val" ? 100 + i : i)); // the parts share no photograph
                Write($"{part}/label/{i}.png", ImageCodec.EncodePng(labels));
            }
        }
        string Dataset(string part) =>
            $$"""
                { "type": "SegmentationFolder", "path": "{{Folder}}", "split": "{{part}}", {{changes}},
                  "pipeline": [ { "type": "LoadImage" }, { "type": "LoadSegmentation" }, { "type": "Normalize" } ] }
                """;
        return Write(
            "seg.json",
            $$"""
            { {{Rest}},
              "model": { "type": "Segmentor", "backbone": {{Backbone}}, "decode_head": { "type": "FcnHead", "channels": 8, "num_convs": 1, "in_index": 3, "losses": { "ce": { "type": "CrossEntropyLoss" } } } },
              "train": { "epochs": 2, "loader": { "batch_size": 2, "workers": 0 }, "dataset": {{Dataset("train")}} },
              "val": { "loader": { "batch_size": 2, "workers": 0 }, "dataset": {{Dataset(
                "val"
            )}}, "metrics": { "iou": { "type": "MeanIoU", "bootstrap": 0 } } } }
            """
        );
    }

    /// <summary>Boxes of three images of 64 x 64, two each: [x, y, width, height].</summary>
    public static readonly double[][] Boxes =
    [
        [4, 6, 20, 16],
        [34, 30, 22, 24],
        [5, 6, 20, 16],
        [34, 31, 22, 24],
        [6, 6, 20, 16],
        [34, 32, 22, 24],
    ];

    /// <summary>Three images with two boxes each, and a config that trains on them; returns its path.</summary>
    /// <param name="box">What stands in the file for a box.</param>
    /// <param name="scale">Of the size that the annotations name.</param>
    public string Detection(Func<double[], JsonNode> box, int scale = 1)
    {
        var (images, annotations) = (new JsonArray(), new JsonArray());
        for (var i = 0; i < 3; i++)
        {
            Write($"images/p{i}.png", Png(i));
            images.Add(
                new JsonObject
                {
                    ["id"] = i + 1,
                    ["file_name"] = $"p{i}.png",
                    ["width"] = 64 * scale,
                    ["height"] = 64 * scale,
                }
            );
            for (var k = 0; k < 2; k++)
                annotations.Add(
                    new JsonObject
                    {
                        ["id"] = 2 * i + k + 1,
                        ["image_id"] = i + 1,
                        ["category_id"] = k + 1,
                        ["bbox"] = box(Boxes[2 * i + k]),
                        ["iscrowd"] = 0,
                    }
                );
        }
        Write(
            "boxes.json",
            new JsonObject
            {
                ["images"] = images,
                ["annotations"] = annotations,
                ["categories"] = JsonNode.Parse("""[{ "id": 1, "name": "a" }, { "id": 2, "name": "b" }]"""),
            }.ToJsonString()
        );
        return DetectionConfig("images", "boxes.json");
    }

    public string DetectionConfig(string images, string annotations, string load = "{ \"type\": \"LoadImage\" }")
    {
        var dataset = $$"""
            { "type": "CocoDetection", "path": "{{At(images)}}", "annotations": "{{At(
                annotations
            )}}", "pipeline": [ {{load}}, { "type": "Normalize" } ] }
            """;
        return Write(
            "det.json",
            $$"""
            { {{Rest}},
              "model": { "type": "Detector", "backbone": {{Backbone}}, "neck": { "type": "Fpn", "out_channels": 16, "start_level": 2 },
                "bbox_head": { "type": "RetinaHead", "stacked_convs": 1, "anchor_generator": { "type": "AnchorGenerator", "octave_base_scale": 2, "scales_per_octave": 1, "ratios": [1] } },
                "test": { "score_thr": 0.0, "nms_pre": 50, "max_per_img": 5 } },
              "train": { "epochs": 1, "loader": { "batch_size": 2, "workers": 0 }, "dataset": {{dataset}} },
              "val": { "loader": { "batch_size": 1, "workers": 0 }, "dataset": {{dataset}}, "metrics": { "bbox": { "type": "CocoAp", "bootstrap": 0 } } } }
            """
        );
    }

    public static JsonArray Json(params double[] values) => new([.. values.Select(value => (JsonNode)value)]);

    /// <summary>Results that are the truth, but for what <paramref name="change"/> does to each.</summary>
    public string Results(string name, Action<JsonObject> change)
    {
        var results = new JsonArray();
        for (var i = 0; i < Boxes.Length; i++)
        {
            var result = new JsonObject
            {
                ["image_id"] = i / 2 + 1,
                ["category_id"] = i % 2 + 1,
                ["bbox"] = Json(Boxes[i]),
                ["score"] = 0.9 - 0.1 * (i % 2),
            };
            change(result);
            results.Add(result);
        }
        return Write(name, results.ToJsonString());
    }

    /// <summary>Photographs in class folders below train and val, and a config; returns its path.</summary>
    public string Classification(string[] trained, string[] validated, Func<int, byte[]>? picture = null, string options = "")
    {
        foreach (var (part, classes) in new[] { ("train", trained), ("val", validated) })
        {
            foreach (var name in classes)
                for (var i = 0; i < 4; i++)
                    Write($"folders/{part}/{name}/{i}.png", picture?.Invoke(i) ?? Png(i, 32, 32));
        }
        string Dataset(string part) =>
            $$"""
                { "type": "ImageFolder", "path": "{{At(
                    "folders"
                )}}", "split": "{{part}}"{{options}}, "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] }
                """;
        return Write(
            "cls.json",
            $$"""
            { {{Rest}},
              "model": { "type": "ImageClassifier", "backbone": {{Backbone}}, "head": { "type": "LinearHead" } },
              "train": { "epochs": 1, "loader": { "batch_size": 4, "workers": 0 }, "dataset": {{Dataset("train")}} },
              "val": { "loader": { "batch_size": 4, "workers": 0 }, "dataset": {{Dataset(
                "val"
            )}}, "metrics": { "accuracy": { "type": "Accuracy" } } } }
            """
        );
    }

    internal Said Doctor(string config, params string[] changes) => Tool.Run(["doctor", config, .. Changes(changes)]);

    internal Said Train(string config, params string[] changes) =>
        Tool.Run(["train", config, "--work-dir", At("runs", Guid.NewGuid().ToString("N")), .. Changes(changes)]);

    internal static string[] Changes(string[] changes) => changes.Length == 0 ? [] : ["--cfg-options", .. changes];
}
