using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>A small segmentor, trained for a few iterations on folders of images and labels, and what the tools write of it.</summary>
[Collection(InProcess.Name)]
public sealed class SegmentationTests : IDisposable
{
    private const string Config = """
        {
          "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu",
          "model": {
            "type": "Segmentor",
            "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stem": "small", "output_stride": 8 },
            "decode_head": { "type": "FcnHead", "channels": 8, "num_convs": 1 }
          },
          "train": {
            "loop": "iterations", "iterations": 8, "validate_every": 0,
            "loader": { "batch_size": 4, "workers": 0, "sampler": { "type": "RandomSampler" } },
            "dataset": DATA, "split": "train", "pipeline": [ { "type": "LoadImage" }, { "type": "LoadSegmentation" }, { "type": "Normalize" } ] }
          },
          "test": {
            "loader": { "batch_size": 2, "workers": 0 },
            "dataset": DATA, "split": "val", "pipeline": [ { "type": "LoadImage" }, { "type": "Resize", "size": [24, 32] }, { "type": "Normalize" }, { "type": "LoadSegmentation" } ] },
            "metrics": { "iou": { "type": "MeanIoU", "bootstrap": 20 }, "confusion": { "type": "ConfusionMatrix" } }
          },
          "optimizer": { "type": "AdamW", "lr": 0.01 },
          "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 8 } }
        }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-segmentation").FullName;

    public SegmentationTests()
    {
        var random = new Random(0);
        foreach (var (split, count) in new[] { ("train", 8), ("val", 3) })
        {
            foreach (var kind in new[] { "image", "label" })
                Directory.CreateDirectory(At("data", split, kind));
            for (var n = 0; n < count; n++)
            {
                // Left of an edge dark (class 0), right of it bright (class 1); a row that is ignored.
                var (image, label) = (new Image(24, 32, 3), new Image(24, 32, 1));
                var edge = random.Next(8, 24);
                for (var i = 0; i < 24 * 32; i++)
                {
                    var bright = i % 32 >= edge;
                    label.Bytes[i] =
                        i / 32 == 3 ? (byte)255
                        : bright ? (byte)1
                        : (byte)0;
                    for (var c = 0; c < 3; c++)
                        image.Bytes[(3 * i) + c] = (byte)((bright ? 200 : 30) + random.Next(20));
                }
                File.WriteAllBytes(At("data", split, "image", $"{n}.png"), ImageCodec.EncodePng(image));
                File.WriteAllBytes(At("data", split, "label", $"{n}.png"), ImageCodec.EncodePng(label));
            }
        }
        Write("config.json", """{ "0": "dark", "1": "bright", "255": "ignore" }""");
        Tool.Run("train", At("config.json"), "--work-dir", At("run")).Succeeds();
    }

    private string Checkpoint => At("run", "iter_8.safetensors");

    [Fact]
    public void Test_WritesMetricsMapsAndPictures_ThatAgree()
    {
        var said = Tool.Run(
                "test",
                At("config.json"),
                Checkpoint,
                "--out",
                At("metrics.json"),
                "--predictions",
                At("maps"),
                "--show-dir",
                At("show")
            )
            .Succeeds();
        Assert.Contains("Per class", said.All, StringComparison.Ordinal);
        var metrics = Metrics("metrics.json");
        foreach (
            var key in new[] { "aAcc", "mIoU", "mAcc", "mDice", "mFscore", "mIoU/low", "mIoU/high", "IoU/dark", "Acc/bright", "Dice/dark" }
        )
            Assert.InRange(metrics[key]!.Value, 0, 1);

        // The maps, counted again, are what was measured.
        long right = 0,
            counted = 0;
        for (var n = 0; n < 3; n++)
        {
            var map = ImageCodec.Decode(File.ReadAllBytes(At("maps", $"{n}.png")), "map", new DecodeOptions(ColorType.Index));
            var truth = ImageCodec.Decode(
                File.ReadAllBytes(At("data", "val", "label", $"{n}.png")),
                "label",
                new DecodeOptions(ColorType.Index)
            );
            for (var i = 0; i < map.Bytes.Length; i++)
            {
                if (truth.Bytes[i] == 255)
                    continue;
                counted++;
                if (truth.Bytes[i] == map.Bytes[i])
                    right++;
            }
            var colored = ImageCodec.Decode(File.ReadAllBytes(At("maps", $"{n}.png")), "map", new DecodeOptions(ColorType.Color));
            var color = ClassColors.Distinct(2)[map.Bytes[0]];
            Assert.Equal([color.Red, color.Green, color.Blue], colored.Bytes[..3]);
            var picture = ImageCodec.Decode(File.ReadAllBytes(At("show", $"{n}.png")), "picture", new DecodeOptions(ColorType.Color));
            Assert.True(picture.Width > 3 * 64 && picture.Height > 64); // image, prediction and truth, enlarged
        }
        Assert.Equal(right / (double)counted, metrics["aAcc"]!.Value, 12);
    }

    [Fact]
    public void StoredMaps_MeasureAsTheCheckpointDoes()
    {
        Tool.Run("test", At("config.json"), Checkpoint, "--out", At("metrics.json"), "--predictions", At("maps")).Succeeds();
        Tool.Run("eval-metric", At("config.json"), At("maps"), "--out", At("again.json")).Succeeds();
        Assert.Equal(File.ReadAllText(At("metrics.json")), File.ReadAllText(At("again.json")));

        Tool.Run("confusion-matrix", At("config.json"), At("maps"), "--out", At("matrix.png")).Succeeds();
        var details = JsonDocument
            .Parse(File.ReadAllText(At("metrics.details.json")))
            .RootElement.GetProperty("confusion")
            .GetProperty("counts")
            .GetRawText();
        var matrix = JsonDocument.Parse(File.ReadAllText(At("matrix.json"))).RootElement.GetProperty("counts").GetRawText();
        Assert.Equal(details.Replace(" ", "", StringComparison.Ordinal), matrix.Replace(" ", "", StringComparison.Ordinal));

        Tool.Run("analyze-results", At("config.json"), At("maps"), "--out-dir", At("analysis"), "--count", "1").Succeeds();
        Assert.Equal(2, Directory.GetFiles(At("analysis"), "*.png", SearchOption.AllDirectories).Length);
        File.Delete(At("maps", "1.png"));
        Tool.Run("eval-metric", At("config.json"), At("maps")).IsMistake("has no predicted map", "1.png was expected");
    }

    [Fact]
    public void Test_SameClassesInAnotherOrder_MeasuresTheSame()
    {
        Write("other.json", """{ "1": "bright", "0": "dark", "255": "ignore" }"""); // the other way round
        var expected = Metrics("metrics.json", At("config.json"));
        Assert.Contains(
            "predictions are brought into the data's",
            Tool.Run("test", At("other.json"), Checkpoint, "--out", At("other-metrics.json")).Succeeds().All,
            StringComparison.Ordinal
        );
        Assert.Equal(
            expected.OrderBy(entry => entry.Key, StringComparer.Ordinal),
            Metrics("other-metrics.json").OrderBy(entry => entry.Key, StringComparer.Ordinal)
        );
    }

    [Fact]
    public void Test_OtherClasses_IsTheUsersMistake()
    {
        Write("wrong.json", """{ "0": "dark", "1": "cat", "255": "ignore" }""");
        Tool.Run("test", At("wrong.json"), Checkpoint).IsMistake("class 1 is \"bright\" there and \"cat\" here");
    }

    [Fact]
    public void Predict_WritesMapsAndPicturesOfTheImagesSize()
    {
        var image = new Image(30, 50, 3);
        Directory.CreateDirectory(At("photos"));
        File.WriteAllBytes(At("photos", "a.png"), ImageCodec.EncodePng(image));
        Assert.Contains(" %", Tool.Run("predict", Checkpoint, At("photos", "a.png")).Succeeds().Output, StringComparison.Ordinal);
        File.WriteAllBytes(At("photos", "b.png"), ImageCodec.EncodePng(image));
        Tool.Run("predict", Checkpoint, At("photos"), "--out-dir", At("out")).Succeeds();
        foreach (var name in new[] { "a.png", "b.png" })
        {
            var map = ImageCodec.Decode(File.ReadAllBytes(At("out", "maps", name)), name, new DecodeOptions(ColorType.Index));
            Assert.Equal((30, 50, 1), (map.Height, map.Width, map.Channels));
            Assert.True(File.Exists(At("out", "pictures", name)));
        }
        using var predictor = Predictor.Load(Checkpoint);
        var prediction = Assert.IsType<SegmentationPrediction>(predictor.Predict(image));
        Assert.Equal((30, 50), (prediction.Map.Height, prediction.Map.Width));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(params string[] parts) => Path.Combine([_folder, .. parts]);

    private void Write(string name, string labels) =>
        File.WriteAllText(
            At(name),
            Config.Replace(
                "DATA",
                $$"""{ "type": "SegmentationFolder", "path": "{{At("data")}}", "label_map": {{labels}}""",
                StringComparison.Ordinal
            )
        );

    private Dictionary<string, double?> Metrics(string file, string? config = null)
    {
        if (config is not null)
            Tool.Run("test", config, Checkpoint, "--out", At(file)).Succeeds();
        return JsonSerializer.Deserialize<Dictionary<string, double?>>(File.ReadAllText(At(file)))!;
    }
}
