using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.Predictions;
using Tessera.Tools.Output;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Predictions as other programs have them, read again as the annotations that they are to become.</summary>
[Collection(InProcess.Name)]
public sealed class PredictFormatTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    private string Images(int count = 3)
    {
        var folder = runs.At(Guid.NewGuid().ToString("N"), "images");
        Directory.CreateDirectory(folder);
        for (var i = 0; i < count; i++)
            File.WriteAllBytes(Path.Combine(folder, $"frame{i + 8}.png"), TinyRun.Png(i));
        return folder;
    }

    private string Predict(DataTask task, string images, string format, params string[] more)
    {
        var folder = Path.GetDirectoryName(images)!;
        Tool.Run(["predict", runs.Checkpoint(task), images, "--out-dir", folder, "--format", format, .. more]).Succeeds();
        return folder;
    }

    [Theory]
    [InlineData("coco")]
    [InlineData("yolo")]
    [InlineData("labelme")]
    public void Boxes_AreReadAgainAsTheyWerePredicted(string format)
    {
        var images = Images();
        Predict(DataTask.Detection, images, "jsonl", "--score-thr", "0.01");
        var folder = Predict(DataTask.Detection, images, format, "--score-thr", "0.01");
        var coco = Path.Combine(folder, "annotations.json");
        if (format != "coco")
        {
            var source = folder;
            if (format == "labelme") // its files lie beside the images
                foreach (var file in Directory.EnumerateFiles(Path.Combine(folder, "labelme")))
                    File.Copy(file, Path.Combine(images, Path.GetFileName(file)));
            if (format == "labelme")
                source = images;
            else
            {
                source = Path.Combine(folder, "yolo");
                Directory.Move(images, Path.Combine(source, "images"));
            }
            Tool.Run("convert-dataset", source, coco, "--from", format, "--classes", "circle,square,star").Succeeds();
        }
        var read = JsonNode.Parse(File.ReadAllText(coco))!;
        var names = read["categories"]!.AsArray().ToDictionary(category => (long)category!["id"]!, category => (string)category!["name"]!);
        Assert.Equal(["circle", "square", "star"], names.Values);
        var ids = read["images"]!
            .AsArray()
            .ToDictionary(image => Path.GetFileName((string)image!["file_name"]!), image => (long)image!["id"]!);
        Assert.Equal(["frame10.png", "frame8.png", "frame9.png"], ids.Keys.Order(StringComparer.Ordinal));
        var boxes = 0;
        foreach (var line in File.ReadAllLines(Path.Combine(folder, "predictions.jsonl")).Select(line => JsonNode.Parse(line)!))
        {
            var own = read["annotations"]!
                .AsArray()
                .Where(annotation => (long)annotation!["image_id"]! == ids[Path.GetFileName((string)line["name"]!)])
                .ToArray();
            var predicted = line["boxes"]!.AsArray();
            Assert.Equal(predicted.Count, own.Length);
            for (var i = 0; i < own.Length; i++, boxes++)
            {
                var corners = predicted[i]!["corners"]!.AsArray().Select(value => (double)value!).ToArray();
                var box = own[i]!["bbox"]!.AsArray().Select(value => (double)value!).ToArray();
                Assert.Equal((string)predicted[i]!["class"]!, names[(long)own[i]!["category_id"]!]);
                Assert.Equal(corners[0], box[0], 1e-3);
                Assert.Equal(corners[1], box[1], 1e-3);
                Assert.Equal(corners[2] - corners[0], box[2], 1e-3);
                Assert.Equal(corners[3] - corners[1], box[3], 1e-3);
                if (format == "coco")
                    Assert.Equal((double)predicted[i]!["score"]!, (double)own[i]!["score"]!, 1e-6);
            }
        }
        Assert.True(boxes > 0);
    }

    [Fact]
    public void Panoptic_IsWrittenInCocosForm()
    {
        var images = Images(2);
        var folder = Predict(DataTask.Panoptic, images, "jsonl");
        var written = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "panoptic.json")))!["annotations"]!.AsArray();
        Assert.Equal(2, written.Count);
        Assert.All(written, one => Assert.True(File.Exists(Path.Combine(folder, "panoptic", (string)one!["file_name"]!))));
    }

    [Theory]
    [InlineData("0", 3)]
    [InlineData("1", 0)]
    public void MultiLabel_ScoreThr_SaysWhichLabelsArePresent(string threshold, int labels)
    {
        var images = Images(1);
        var folder = Predict(DataTask.MultiLabel, images, "jsonl", "--score-thr", threshold);
        var line = JsonNode.Parse(File.ReadAllLines(Path.Combine(folder, "predictions.jsonl")).Single())!;
        Assert.Equal(labels, line["predicted"]!.AsArray().Count);
        Tool.Run("predict", runs.Checkpoint(DataTask.Classification), images, "--out-dir", runs.At("one"), "--score-thr", "0.5")
            .IsMistake("no boxes and no several labels");
    }

    [Theory]
    [InlineData(DataTask.Classification, "predicted,circle,square,star")]
    [InlineData(DataTask.MultiLabel, "predicted,circle,square,star")]
    [InlineData(DataTask.Regression, "")]
    [InlineData(DataTask.Detection, "class,score,x1,y1,x2,y2")]
    public void Csv_HasTheNumbersOfTheLines(DataTask task, string columns)
    {
        var images = Images(2);
        Predict(task, images, "jsonl");
        var folder = Predict(task, images, "csv");
        var rows = File.ReadAllText(Path.Combine(folder, "predictions.csv")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith($"image,{columns}", rows[0], StringComparison.Ordinal);
        var lines = File.ReadAllLines(Path.Combine(folder, "predictions.jsonl")).Select(line => JsonNode.Parse(line)!).ToArray();
        var expected = lines.SelectMany(line =>
            task == DataTask.Detection ? line["boxes"]!.AsArray().Select(box => (double)box!["score"]!)
            : task == DataTask.Regression ? [(double)line["predicted"]!.AsObject().First().Value!]
            : new[] { (double)line["scores"]!.AsObject().First().Value! }
        );
        var at = task == DataTask.Regression ? 1 : 2;
        Assert.Equal(
            expected,
            rows.Skip(1).Select(row => (double)float.Parse(row.Split(',')[at], CultureInfo.InvariantCulture)),
            (a, b) => Math.Abs(a - b) < 1e-6
        );
    }

    [Fact]
    public void LabelMe_OfClasses_HasFlags_AndLeadsToTheImage()
    {
        var images = Images(1);
        var folder = Predict(DataTask.Classification, images, "labelme");
        var file = Path.Combine(folder, "labelme", "frame8.json");
        var document = JsonNode.Parse(File.ReadAllText(file))!;
        Assert.Equal(1, document["flags"]!.AsObject().Count(flag => (bool)flag.Value!));
        Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(file)!, (string)document["imagePath"]!)));
        Assert.Equal(32, (int)document["imageWidth"]!);
    }

    [Fact]
    public void WhatAFormatCannotHold_IsOneMessage()
    {
        var (images, folder) = (Images(1), runs.At("none"));
        Tool.Run("predict", runs.Checkpoint(DataTask.Classification), images, "--out-dir", folder, "--format", "yolo")
            .IsMistake("is for boxes");
        Tool.Run("predict", runs.Checkpoint(DataTask.Segmentation), images, "--out-dir", folder, "--format", "csv")
            .IsMistake("PNGs of class indices");
        Tool.Run("predict", runs.Checkpoint(DataTask.Detection), images, "--format", "coco").IsMistake("--out-dir DIR says where");
        Tool.Run("predict", runs.Checkpoint(DataTask.Detection), images, "--out-dir", folder, "--format", "voc").IsMistake("--format");
        Assert.False(Directory.Exists(folder));
    }

    [Theory]
    [InlineData("frame9.png", "frame10.png")]
    [InlineData("a/frame2", "a/frame11")]
    [InlineData("a", "b")]
    [InlineData("007", "7")]
    [InlineData("99999999999999999998", "99999999999999999999")]
    [InlineData("frame", "frame1")]
    public void Frames_FollowEachOther(string first, string second)
    {
        Assert.True(NaturalOrder.Instance.Compare(first, second) < 0);
        Assert.Equal(Math.Sign(NaturalOrder.Instance.Compare(first, second)), -Math.Sign(NaturalOrder.Instance.Compare(second, first)));
        Assert.Equal(0, NaturalOrder.Instance.Compare(first, first));
    }
}
