using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Models;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>A small detector, trained for a few iterations on Shapes, and what the tools write of it.</summary>
public sealed class TinyDetector : IDisposable
{
    private const string Config = """
        {
          "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu",
          "model": {
            "type": "Detector",
            "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "base_channels": 16, "stem": "small", "strides": [2, 2, 2, 2] },
            "neck": { "type": "Fpn", "out_channels": 16, "start_level": 2 },
            "bbox_head": { "type": "RetinaHead", "stacked_convs": 1, "anchor_generator": { "type": "AnchorGenerator", "octave_base_scale": 2, "scales_per_octave": 1, "ratios": [1] } },
            "test": { "score_thr": 0.0, "nms": { "type": "Nms", "iou_threshold": 0.5 }, "nms_pre": 50, "max_per_img": 20 }
          },
          "train": {
            "loop": "iterations", "iterations": 4, "validate_every": 0,
            "loader": { "batch_size": 4, "workers": 0, "sampler": { "type": "RandomSampler" } },
            "dataset": { "type": "Shapes", "task": "detection", "count": 16, "size": 64, "classes": ["circle", "square", "star"], "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] }
          },
          "test": {
            "loader": { "batch_size": 4, "workers": 0 },
            "dataset": { "type": "Shapes", "task": "detection", "count": COUNT, "size": 64, "classes": ["circle", "square", "star"], "split": "test", "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] },
            "metrics": { "coco": { "type": "CocoAp", "bootstrap": 20, "per_class": true }, "voc": { "type": "VocAp", "bootstrap": 20 } }
          },
          "optimizer": { "type": "AdamW", "lr": 0.01 },
          "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 4 } }
        }
        """;

    public TinyDetector()
    {
        File.WriteAllText(At("config.json"), Config.Replace("COUNT", "6", StringComparison.Ordinal));
        File.WriteAllText(At("fewer.json"), Config.Replace("COUNT", "2", StringComparison.Ordinal));
        Tool.Run("train", At("config.json"), "--work-dir", At("run")).Succeeds();
        Tested = Tool.Run(
                "test",
                At("config.json"),
                Checkpoint,
                "--out",
                At("metrics.json"),
                "--predictions",
                At("results.json"),
                "--show-dir",
                At("show")
            )
            .Succeeds();
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-detector").FullName;

    public string Checkpoint => At("run", "iter_4.safetensors");

    internal Said Tested { get; }

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

[Collection(InProcess.Name)]
public sealed class DetectionTests(TinyDetector data) : IClassFixture<TinyDetector>
{
    private string Config => data.At("config.json");

    [Fact]
    public void Test_WritesTheTwelveFiguresAndIntervals()
    {
        var metrics = Metrics("metrics.json");
        foreach (
            var name in new[] { "AP", "AP50", "AP75", "APs", "AR1", "AR10", "AR100", "ARs", "AP/low", "AP/high", "AP50/low", "AP50/high" }
        )
            Assert.InRange(metrics["bbox/" + name]!.Value, 0, 1);
        double Of(string name) => metrics["bbox/" + name]!.Value;
        Assert.True(Of("AP50") >= Of("AP") && Of("AP50") >= Of("AP75"), "A looser threshold finds no less.");
        Assert.True(Of("AR100") >= Of("AR10") && Of("AR10") >= Of("AR1"), "More boxes of an image find no less.");
        Assert.Null(metrics["bbox/APm"]); // no shape is above 32 pixels wide
        Assert.InRange(metrics["voc/mAP"]!.Value, 0, 1);
        Assert.Contains("No object is medium (up to 96 x 96) or large", data.Tested.Output, StringComparison.Ordinal);
        Assert.Contains("Per class", data.Tested.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Predictions_MeasuredFromTheFile_GiveTheSameFigures()
    {
        Tool.Run("eval-metric", Config, data.At("results.json"), "--out", data.At("again.json")).Succeeds();
        Assert.Equal(
            Metrics("metrics.json").OrderBy(entry => entry.Key, StringComparer.Ordinal),
            Metrics("again.json").OrderBy(entry => entry.Key, StringComparer.Ordinal)
        );

        var results = JsonNode.Parse(File.ReadAllText(data.At("results.json")))!.AsArray();
        Assert.NotEmpty(results);
        Assert.All(
            results,
            result =>
            {
                Assert.InRange(result!["image_id"]!.GetValue<long>(), 1, 6);
                Assert.InRange(result["category_id"]!.GetValue<long>(), 1, 3);
                Assert.Equal(4, result["bbox"]!.AsArray().Count);
            }
        );
    }

    [Fact]
    public void ShowDir_HasAPictureOfEveryImage_PredictionBesideTruth()
    {
        var files = Directory.GetFiles(data.At("show"), "*.png", SearchOption.AllDirectories);
        Assert.Equal(6, files.Length);
        var picture = ImageCodec.Decode(File.ReadAllBytes(files[0]), files[0], new DecodeOptions(ColorType.Color));
        Assert.True(picture.Width > 2 * 160 && picture.Height > 160);
    }

    [Fact]
    public void ConfusionMatrix_OfTheFile_IsThatOfTheCheckpoint_AndItsRowsAreTheObjects()
    {
        var said = Tool.Run(
                "confusion-matrix",
                Config,
                data.At("results.json"),
                "--out",
                data.At("a.png"),
                "--score-thr",
                "0.01",
                "--iou-thr",
                "0.3"
            )
            .Succeeds();
        Tool.Run("confusion-matrix", Config, data.Checkpoint, "--out", data.At("b.svg"), "--score-thr", "0.01", "--iou-thr", "0.3")
            .Succeeds();
        Assert.Equal(File.ReadAllText(data.At("a.json")), File.ReadAllText(data.At("b.json")));
        Assert.Contains("background", said.Output, StringComparison.Ordinal);
        var matrix = JsonNode.Parse(File.ReadAllText(data.At("a.json")))!;
        Assert.Equal(["circle", "square", "star", "background"], matrix["classes"]!.AsArray().Select(name => name!.GetValue<string>()));
        long[][] counts = [.. matrix["counts"]!.AsArray().Select(row => row!.AsArray().Select(n => n!.GetValue<long>()).ToArray())];
        var shapes = new Datasets.Synthetic.Shapes(
            new(
                Count: 6,
                Size: 64,
                Task: Framework.Data.DataTask.Detection,
                Classes: ["circle", "square", "star"],
                Split: Datasets.Synthetic.ShapesSplit.Test
            )
        );
        var labels = Enumerable.Range(0, 6).SelectMany(i => shapes.Get(i).Truth.Boxes!.Labels).ToArray();
        for (var c = 0; c < 3; c++)
            Assert.Equal(labels.Count(label => label == c), counts[c].Sum());
        Assert.Equal(0, counts[3][3]);
        var boxes = JsonNode
            .Parse(File.ReadAllText(data.At("results.json")))!
            .AsArray()
            .Count(result => result!["score"]!.GetValue<double>() >= 0.01);
        Assert.Equal(boxes, counts.Sum(row => row[..3].Sum()));
        Assert.Equal(0x89, File.ReadAllBytes(data.At("a.png"))[0]);
    }

    [Fact]
    public void AnalyzeResults_RanksImagesByTheirOwnPrecision()
    {
        Tool.Run("analyze-results", Config, data.At("results.json"), "--out-dir", data.At("analysis"), "--count", "2").Succeeds();
        var images = JsonNode.Parse(File.ReadAllText(data.At("analysis", "images.json")))!["images"]!.AsArray();
        double[] scores = [.. images.Select(image => image!["score"]!.GetValue<double>())];
        var matched = JsonNode.Parse(File.ReadAllText(data.At("analysis", "images.json")))!;
        if ((long)matched["matched_boxes"]! > 0)
            Assert.InRange((double)matched["mean_iou_of_matched_boxes"]!, 0.5, 1);
        else
            Assert.Null(matched["mean_iou_of_matched_boxes"]);
        Assert.Equal(6, scores.Length);
        Assert.Equal(scores.Order(), scores);
        Assert.Equal(2, Directory.GetFiles(data.At("analysis", "worst")).Length);
        Assert.Equal(2, Directory.GetFiles(data.At("analysis", "best")).Length);
        var page = File.ReadAllText(data.At("analysis", "index.html"));
        Assert.Contains("<h2>Worst</h2>", page, StringComparison.Ordinal);
        Assert.Contains("href=\"worst/01_", page, StringComparison.Ordinal);
        Assert.True(page.IndexOf(images[0]!["name"]!.GetValue<string>(), StringComparison.Ordinal) > 0);
    }

    [Fact]
    public void Predict_ScoreThr_LeavesOutBoxesThatScoreLess()
    {
        var image = new Datasets.Synthetic.Shapes(new(Count: 1, Size: 96, Task: Framework.Data.DataTask.Detection)).Get(0).Image!.Decode();
        var photograph = data.At("threshold.png");
        File.WriteAllBytes(photograph, ImageCodec.EncodePng(image));
        double[] Scores(string thr)
        {
            Tool.Run("predict", data.Checkpoint, photograph, "--out-dir", data.At("thr" + thr), "--score-thr", thr).Succeeds();
            return
            [
                .. JsonNode.Parse(File.ReadAllLines(data.At("thr" + thr, "predictions.jsonl")).Single())!["boxes"]!
                    .AsArray()
                    .Select(box => (double)box!["score"]!),
            ];
        }
        var all = Scores("0");
        Assert.NotEmpty(all);
        var middle = all[all.Length / 2];
        Assert.Equal(
            all.Count(score => score > middle),
            Scores(middle.ToString("R", System.Globalization.CultureInfo.InvariantCulture)).Length
        );
        Tool.Run("predict", data.Checkpoint, photograph, "--score-thr", "7").IsMistake("The threshold of scores is 7");
    }

    [Fact]
    public void Predict_GivesBoxesInTheImagesOwnPixels()
    {
        var image = new Datasets.Synthetic.Shapes(new(Count: 1, Size: 96, Task: Framework.Data.DataTask.Detection)).Get(0).Image!.Decode();
        Directory.CreateDirectory(data.At("photos"));
        File.WriteAllBytes(data.At("photos", "a.png"), ImageCodec.EncodePng(image));
        Assert.Contains(
            "a.png  ",
            Tool.Run("predict", data.Checkpoint, data.At("photos", "a.png"), "--out-dir", data.At("predicted")).Succeeds().Output,
            StringComparison.Ordinal
        );
        var line = JsonNode.Parse(File.ReadAllLines(data.At("predicted", "predictions.jsonl")).Single())!;
        using var predictor = Predictor.Load(data.Checkpoint);
        var prediction = Assert.IsType<DetectionPrediction>(predictor.Predict(image));
        var boxes = line["boxes"]!.AsArray();
        Assert.Equal(prediction.Labels.Length, boxes.Count);
        Assert.Equal(prediction.Corners[..4], boxes[0]!["corners"]!.AsArray().Select(corner => corner!.GetValue<float>()));
        Assert.Equal(predictor.Data.Classes[prediction.Labels[0]], boxes[0]!["class"]!.GetValue<string>());
        Assert.All(prediction.Corners, corner => Assert.InRange(corner, 0, 96));
        Assert.True(File.Exists(data.At("predicted", "pictures", "a.png")));
    }

    [Theory]
    [InlineData("""{ "annotations": [] }""", ":1  A list of results was expected")]
    [InlineData("[\n{\"image_id\": 1, \"category_id\": 1,\n \"bbox\": [1, 2", ":3  The file ends in the middle")]
    [InlineData("[\n{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4] \"score\": 1}]", ":2  This is no valid JSON")]
    [InlineData("[\n{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4], \"score\": NaN}]", ":2  NaN and Infinity are no JSON")]
    [InlineData(
        "[\n{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, -Infinity], \"score\": 0.5}]",
        ":2  NaN and Infinity are no JSON"
    )]
    [InlineData(
        "[\n{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4], \"score\": 1e999}]",
        ":2  The score of result 1 is 1e999; a finite number was expected."
    )]
    [InlineData("[\n{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4], \"score\": null}]", "The score of result 1 is null")]
    [InlineData(
        "[\n{\"image_id\": \"000001\", \"category_id\": 1, \"bbox\": [1, 2, 3, 4], \"score\": 1}]",
        "The image_id of result 1 is \"000001\"; a whole number was expected."
    )]
    [InlineData(
        "[\n{\"image_id\": 1, \"category_id\": 4, \"bbox\": [1, 2, 3, 4], \"score\": 1}]",
        "Result 1 is of category 4, which the data set does not have. Its 3 categories: 1 circle, 2 square, 3 star."
    )]
    [InlineData("[\n{\"image_id\": 1, \"category_id\": 1, \"bbox\": [9, 9, -3, 4], \"score\": 1}]", "It is written as x, y, width, height")]
    [InlineData("[\n{\"image_id\": 1, \"category_id\": 1, \"bbox\": [9, 9, 3], \"score\": 1}]", "The bbox of result 1 has 3 numbers")]
    [InlineData("[\n{\"image_id\": 1, \"bbox\": [9, 9, 3, 3]}]", "Result 1 lacks category_id, score.")]
    [InlineData("[\n[1, 2]]", ":2  Result 1 is no object.")]
    [InlineData("[\n{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4], \"score\": 1}] {", ":2  This is no valid JSON")]
    [InlineData("", ":1  The file ends in the middle")]
    public void EvalMetric_OfABrokenFile_SaysWhere(string text, string message)
    {
        File.WriteAllText(data.At("broken.json"), text);
        Tool.Run("eval-metric", Config, data.At("broken.json")).IsMistake($"broken.json", message);
    }

    [Fact]
    public void EvalMetric_OfAnotherDataSet_SaysSo()
    {
        Tool.Run("eval-metric", data.At("fewer.json"), data.At("results.json"))
            .IsMistake("The data set has no image ", "Are they results of another data set? This one has 2 images, 1 to 2.");
        Tool.Run("eval-metric", Config, data.At("nowhere.json")).IsMistake("there is no such file");
        Tool.Run("eval-metric", Config, data.Folder).IsMistake("this is a folder");
    }

    [Fact]
    public void EvalMetric_OfNothingFound_IsZero()
    {
        File.WriteAllText(data.At("empty.json"), "[]");
        Tool.Run("eval-metric", Config, data.At("empty.json"), "--out", data.At("nothing.json")).Succeeds();
        Assert.Equal(0, Metrics("nothing.json")["bbox/AP"]);
    }

    [Fact]
    public void Results_InAnyOrderWithUnknownKeys_AreTheSame()
    {
        var results = JsonNode.Parse(File.ReadAllText(data.At("results.json")))!.AsArray().Select(node => node!.DeepClone()).ToArray();
        foreach (var result in results)
            result["segmentation"] = new JsonArray(1, new JsonObject { ["counts"] = "x" });
        File.WriteAllText(
            data.At("reordered.json"),
            new JsonArray([.. results.OrderBy(result => result["category_id"]!.GetValue<int>())]).ToJsonString()
        );
        Tool.Run("eval-metric", Config, data.At("reordered.json"), "--out", data.At("reordered-metrics.json")).Succeeds();
        Assert.Equal(Metrics("metrics.json")["bbox/AP"]!.Value, Metrics("reordered-metrics.json")["bbox/AP"]!.Value, 12);
    }

    private Dictionary<string, double?> Metrics(string file) =>
        JsonSerializer.Deserialize<Dictionary<string, double?>>(File.ReadAllText(data.At(file)))!;
}
