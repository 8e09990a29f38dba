using System.Text.Json.Nodes;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Predictions;
using Tessera.Tools.Conversion;

namespace Tessera.Tests.Tools.Data;

/// <summary>Outlines and run lengths from one format into another, and results with masks to a file and back.</summary>
[Collection(InProcess.Name)]
public sealed class MaskConversionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-masks").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void LabelMe_ShapesToMasks()
    {
        Image("l/a.png");
        Write(
            "l/a.json",
            """
            { "imagePath": "a.png", "imageHeight": 60, "imageWidth": 80, "shapes": [
              { "label": "dog", "shape_type": "rectangle", "points": [[30, 40], [10.5, 20]] },
              { "label": "cat", "shape_type": "polygon", "points": [[1, 2], [9, 2], [9, 8], [1, 8]], "group_id": 7 },
              { "label": "cat", "shape_type": "circle", "points": [[40, 30], [46, 38]], "group_id": 7 },
              { "label": "dog", "shape_type": "line", "points": [[40, 30], [46, 38]] } ] }
            """
        );
        var said = Tool.Run("convert-dataset", At("l"), At("l.json"), "--from", "labelme").Succeeds();
        Assert.Contains("1 image, 3 boxes, 2 classes (cat, dog)", said.Output, StringComparison.Ordinal);
        Assert.Contains("2 masks with them.", said.Output, StringComparison.Ordinal);
        Assert.Contains("\"with_masks\": true", said.Output, StringComparison.Ordinal);
        var data = new CocoDetection(new(At("l"), At("l.json"), WithMasks: true));
        Assert.Contains(data.Check(), note => note.Contains("1 mask can't be used", StringComparison.Ordinal)); // the line
        var truth = data.Get(0).Truth.BoxAnnotation!;
        Assert.Equal([10.5, 20, 19.5, 20, 1, 2, 49, 38], truth.Boxes[..8]);
        Assert.InRange(truth.Masks![0].Area, 380, 400);
        Assert.Equal(390, truth.Areas[0]); // a lone rectangle is its box
        Assert.InRange(truth.Masks[1].Area - 48, 0.98 * Math.PI * 100, 1.02 * Math.PI * 100); // 8 x 6, and a circle of radius 10
        Assert.Equal(truth.Masks[1].Area, truth.Areas[1]);
        Assert.Equal(0, truth.Masks[2].Area);
    }

    [Fact]
    public void Yolo_OutlinesToMasks()
    {
        Image("y/a.png");
        Write("y/a.txt", "0 0.125 0.1 0.5 0.1 0.5 0.5 0.125 0.5\n");
        Write("y/classes.txt", "cat\n");
        var said = Tool.Run("convert-dataset", At("y"), At("y.json"), "--from", "yolo", "--outlines").Succeeds();
        Assert.Contains("1 line is an outline: a mask, with the box around each", said.Error, StringComparison.Ordinal);
        var truth = new CocoDetection(new(At("y"), At("y.json"), WithMasks: true)).Get(0).Truth.BoxAnnotation!;
        Assert.Equal([10, 6, 30, 24], truth.Boxes);
        Assert.Equal((10, 6, 30, 24), truth.Masks![0].Box);
        Assert.Equal(720, truth.Masks[0].Area);
    }

    /// <summary>A ring and a bar, which are one object, as one line of YOLO's; a triangle given as a polygon; and a box.</summary>
    [Fact]
    public void Masks_ToYolo_AndBack()
    {
        Image("y/a.png");
        Write("y/classes.txt", "cat\ndog\n");
        var parts = new Image(60, 80, 1);
        for (var i = 0; i < parts.Bytes.Length; i++)
        {
            var distance = Math.Sqrt(Math.Pow(i % 80 - 30, 2) + Math.Pow(i / 80 - 30, 2));
            parts.Bytes[i] = distance is > 8 and < 20 || (i % 80 is > 60 and < 70 && i / 80 is > 10 and < 50) ? (byte)1 : (byte)0;
        }
        var mask = RunLengthMask.Of(parts);
        AnnotatedObject[] objects =
        [
            new(10, 10, 60, 40, 0) { Mask = ObjectMask.Of(mask) },
            new(1, 2, 8, 6, 1)
            {
                Mask = ObjectMask.OfPolygons([
                    [1, 2, 9, 2, 9, 8],
                ]),
            },
            new(20, 10, 30, 20, 1),
        ];
        YoloWriter.Write(new AnnotatedImage("a.png", 60, 80, objects), At("y/a.txt"));
        Assert.Equal([6, 4], File.ReadAllLines(At("y/a.txt")).Skip(1).Select(line => line.Split(' ').Length - 1));

        Tool.Run("convert-dataset", At("y"), At("y.json"), "--from", "yolo", "--outlines").Succeeds();
        var truth = new CocoDetection(new(At("y"), At("y.json"), WithMasks: true)).Get(0).Truth.BoxAnnotation!;
        Assert.Equal([0, 1, 1], truth.Labels);
        Assert.InRange(MaskOverlap.IoU(mask, truth.Masks![0]), 0.95, 1);
        Assert.Equal(
            PolygonMask
                .Of(
                    [
                        [1, 2, 9, 2, 9, 8],
                    ],
                    60,
                    80
                )
                .Runs,
            truth.Masks[1].Runs
        );
        Assert.Equal([20, 10, 30, 20], truth.Boxes[8..].Select(side => Math.Round(side, 5)));
    }

    [Fact]
    public void Coco_ToLabelMe_AndBack()
    {
        Image("c/in/a.png");
        var ring = new Image(60, 80, 1);
        for (var i = 0; i < ring.Bytes.Length; i++)
            ring.Bytes[i] = Math.Sqrt(Math.Pow(i % 80 - 40, 2) + Math.Pow(i / 80 - 30, 2)) is > 8 and < 20 ? (byte)1 : (byte)0;
        var counts = RunLengthText.Encode(RunLengthMask.Of(ring)).Replace("\\", "\\\\", StringComparison.Ordinal);
        Write(
            "c.json",
            $$"""
            { "images": [{ "id": 3, "file_name": "in/a.png", "height": 60, "width": 80 }], "categories": [{ "id": 4, "name": "cat" }],
              "annotations": [
                { "id": 1, "image_id": 3, "category_id": 4, "bbox": [1, 2, 20, 6], "segmentation": [[1, 2, 9, 2, 9, 8], [12, 2, 21, 2, 21, 8]] },
                { "id": 2, "image_id": 3, "category_id": 4, "bbox": [20, 10, 40, 40], "segmentation": { "size": [60, 80], "counts": "{{counts}}" } },
                { "id": 3, "image_id": 3, "category_id": 4, "bbox": [1, 2, 3, 4] } ] }
            """
        );
        Tool.Run("convert-dataset", At("c.json"), At("c"), "--from", "coco", "--to", "labelme").Succeeds();
        var shapes = JsonNode.Parse(File.ReadAllText(At("c/in/a.json")))!["shapes"]!.AsArray();
        Assert.Equal(["polygon", "polygon", "polygon", "rectangle"], shapes.Select(shape => (string?)shape!["shape_type"]));
        Assert.Equal("[[1,2],[9,2],[9,8]]", shapes[0]!["points"]!.ToJsonString());
        Assert.Equal((1, 1), ((int?)shapes[0]!["group_id"], (int?)shapes[1]!["group_id"]));
        Assert.Null((int?)shapes[2]!["group_id"]);
        Tool.Run("convert-dataset", At("c.json"), At("c"), "--from", "coco", "--to", "labelme")
            .IsMistake("a.json exists, and would be overwritten");

        Tool.Run("convert-dataset", At("c"), At("back.json"), "--from", "labelme").Succeeds();
        var (first, again) = (Truth("c.json"), Truth("back.json"));
        Assert.Equal(first.Masks![0].Runs, again.Masks![0].Runs);
        Assert.InRange(MaskOverlap.IoU(first.Masks[1], again.Masks[1]), 0.93, 1); // stairs became slanting lines; the hole is one still
        Assert.Equal(0, again.Masks[1].ToImage().Bytes[30 * 80 + 40]);

        BoxAnnotation Truth(string file) => new CocoDetection(new(At("c"), At(file), WithMasks: true)).Get(0).Truth.BoxAnnotation!;
    }

    [Fact]
    public void Results_WithMasks_ComeBack()
    {
        var random = new Random(5);
        var masks = Enumerable
            .Range(0, 6)
            .Select(_ =>
            {
                var image = new Image(30, 40, 1);
                foreach (ref var pixel in image.Bytes.AsSpan())
                    pixel = (byte)random.Next(2);
                return RunLengthMask.Of(image);
            })
            .ToArray();
        var data = new DataInfo(["cat"], DataTask.Detection);
        var found = new DetectionPrediction(new float[24], [.. Enumerable.Range(0, 6).Select(i => 1 - i / 8f)], new int[6])
        {
            Masks = masks,
        };
        using (var stream = File.Create(At("r.json")))
        {
            using var writer = new CocoResultWriter(stream, data);
            writer.Write(new Sample { Index = 0, Name = "one" }, found);
            writer.Complete();
        }
        var read = CocoResultFile.Read(At("r.json"), data, [1, 2]);
        Assert.Equal(masks.Select(mask => mask.Runs), read[1].Masks!.Select(mask => mask.Runs));
        Assert.Null(read[2].Masks);
    }

    /// <summary>Stored predictions measure masks as the evaluation did, to the digit.</summary>
    [Fact]
    public void StoredPredictions_OfMasks_MeasureTheSame()
    {
        var dataset = new Shapes(new ShapesOptions(Count: 8, Size: 64, Task: DataTask.Detection));
        var (random, samples) = (new Random(1), Enumerable.Range(0, 8).Select(dataset.Get).ToArray());
        Prediction[] predictions = [.. samples.Select(sample => Moved(sample, random))];
        using (var writer = PredictionFileWriter.Create(At("run"), new PredictionHeader("test", dataset.Info, null), dataRoot: null))
        {
            for (var i = 0; i < 8; i++)
                writer.Write(samples[i], predictions[i]);
            writer.Complete(new Dictionary<string, double>());
        }
        var stored = PredictionFile.Open(At("run")).Images.Select(image => image.Load()).ToArray();
        var values = Measured(predictions);
        Assert.InRange(values["segm/AP"], 0.2, 0.95);
        Assert.True(values["boundary/AP"] < values["segm/AP"]);
        Assert.Equal(values, Measured(stored));

        IReadOnlyDictionary<string, double> Measured(Prediction[] found)
        {
            var metric = new CocoApMetric(new(Bootstrap: 10, Types: [CocoIouType.Bbox, CocoIouType.Segm, CocoIouType.Boundary]));
            metric.Reset(dataset.Info);
            metric.Process(found, samples);
            return metric.Compute();
        }

        static DetectionPrediction Moved(Sample sample, Random random)
        {
            var masks = sample
                .Truth.InstanceMasks!.Select(mask =>
                {
                    var (moved, dx, dy) = (new Image(64, 64, 1), random.Next(4), random.Next(4));
                    for (var i = 0; i < 64 * 64; i++)
                        if (i % 64 >= dx && i / 64 >= dy)
                            moved.Bytes[i] = mask.Bytes[i - 64 * dy - dx];
                    return RunLengthMask.Of(moved);
                })
                .ToArray();
            return new DetectionPrediction(
                [.. masks.SelectMany(mask => mask.Box is var (x, y, w, h) ? (float[])[x + 0.3f, y, x + w, y + h] : [])],
                [.. masks.Select((_, i) => 0.9f - 0.1f * i)],
                sample.Truth.Boxes!.Labels
            )
            {
                Masks = masks,
            };
        }
    }

    [Theory]
    [InlineData("{ \"size\": [2, 3], \"counts\": [6] }", "it has no counts as text")]
    [InlineData("{ \"counts\": \"6\" }", "it has no size of two numbers")]
    [InlineData("{ \"size\": [2, 2], \"counts\": \"6\" }", "its runs sum to 6, but the image of 2 x 2 has 4 pixels")]
    [InlineData("{ \"size\": [2.5, 2], \"counts\": \"6\" }", "its size holds something other than whole numbers")]
    [InlineData("\"6\"", "run lengths { \"size\"")]
    public void Results_WithBadMasks_AreToldWithTheirLine(string segmentation, string said)
    {
        Write("r.json", $$"""[{ "image_id": 1, "category_id": 1, "score": 1, "bbox": [1, 1, 1, 1], "segmentation": {{segmentation}} }]""");
        Fails($"r.json:1  The segmentation of result 1 can't be used: {said}");
    }

    [Fact]
    public void Results_WithMasksForSome_OrWithoutBoxes()
    {
        var mask = """{ "size": [2, 3], "counts": "132" }""";
        Write(
            "r.json",
            $$"""
            [{ "image_id": 1, "category_id": 1, "score": 1, "segmentation": {{mask}} },
             { "image_id": 1, "category_id": 1, "score": 1, "bbox": [1, 1, 1, 1] }]
            """
        );
        Fails("r.json:2  Result 2 has no segmentation, others have.");
        Write("r.json", $$"""[{ "image_id": 1, "category_id": 1, "score": 1, "segmentation": {{mask}} }]""");
        var found = CocoResultFile.Read(At("r.json"), new DataInfo(["cat"], DataTask.Detection), [1])[1];
        Assert.Equal([0, 0, 2, 2], found.Corners); // around the mask
    }

    [Fact]
    public void Prediction_ToCocoAndLabelMe()
    {
        Image("p/a.png");
        var square = new Image(60, 80, 1);
        for (var y = 10; y < 20; y++)
            square.Bytes.AsSpan(y * 80 + 30, 15).Fill(1);
        var found = new DetectionPrediction([30, 10, 45, 20], [0.9f], [0]) { Masks = [RunLengthMask.Of(square)] };
        var data = new DataInfo(["cat"], DataTask.Detection);
        foreach (var format in (PredictionFormat[])[PredictionFormat.Coco, PredictionFormat.Labelme])
        {
            var export = new PredictionExport(format, At("out"), At("p"), [At("p/a.png")], data, 0.3);
            export.Write(At("p/a.png"), found);
            export.Complete();
        }
        var truth = new CocoDetection(new(At("p"), At("out/annotations.json"), WithMasks: true)).Get(0).Truth.BoxAnnotation!;
        Assert.Equal(found.Masks[0].Runs, truth.Masks![0].Runs);
        Assert.Equal(150, truth.Areas[0]);
        var shape = JsonNode.Parse(
            File.ReadAllText(Directory.GetFiles(At("out/labelme"), "*.json", SearchOption.AllDirectories).Single())
        )!["shapes"]![0]!;
        Assert.Equal("polygon", (string?)shape["shape_type"]);
        Assert.Equal("[[45,10],[45,20],[30,20],[30,10]]", shape["points"]!.ToJsonString());
    }

    private void Fails(string said) =>
        Assert.Contains(
            said,
            Assert
                .Throws<Tessera.Framework.Errors.UserErrorException>(() =>
                    CocoResultFile.Read(At("r.json"), new DataInfo(["cat"], DataTask.Detection), [1])
                )
                .Message,
            StringComparison.Ordinal
        );

    private string At(string name) => Path.Combine(_folder, name);

    private void Image(string name) => Write(name, ImageCodec.EncodePng(new Image(60, 80, 3)));

    private void Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    private void Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), bytes);
    }
}
