using System.Text.Json.Nodes;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.Data;

[Collection(InProcess.Name)]
public sealed class ConvertDatasetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-convert").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("coco", "coc.json")]
    [InlineData("voc", "photo")]
    [InlineData("labelme", "photo")]
    public void MissingInput_IsNamed_WithoutAdviceForConfigs(string from, string missing)
    {
        Write("coco.json", "{}");
        Image("photos/a.png", 6, 8);
        var near = from == "coco" ? "coco.json" : "photos";
        var said = Tool.Run(
            "convert-dataset",
            At(missing),
            At(from == "coco" ? "out" : "out.json"),
            "--from",
            from,
            "--to",
            from == "coco" ? "voc" : "coco",
            "--classes",
            "a"
        );
        said.IsMistake($"{At(missing)} doesn't exist. Did you mean \"{near}\"?");
        Assert.DoesNotContain("data_root", said.All, StringComparison.Ordinal);
        Assert.DoesNotContain("data_root", Tool.Run("convert-masks", At("none"), At("out")).All, StringComparison.Ordinal);
    }

    [Fact]
    public void CocoToVocAndBack_SameBoxes()
    {
        Write(
            "coco.json",
            """
            { "images": [{ "id": 5, "file_name": "a.png", "height": 60, "width": 80 }, { "id": 3, "file_name": "b.png", "height": 50, "width": 70 }],
              "annotations": [
                { "id": 9, "image_id": 3, "category_id": 20, "bbox": [1.1, 2.25, 30.7, 4], "area": 55 },
                { "id": 2, "image_id": 5, "category_id": 10, "bbox": [0, 0, 80, 60], "iscrowd": 1 },
                { "id": 4, "image_id": 3, "category_id": 10, "bbox": [5, 6, 7, 8] } ],
              "categories": [{ "id": 20, "name": "cat" }, { "id": 10, "name": "dog" }] }
            """
        );
        Image("voc/JPEGImages/a.png", 60, 80);
        Image("voc/JPEGImages/b.png", 50, 70);
        Assert.Contains(
            "2 images, 3 boxes, 2 classes (dog, cat)",
            Tool.Run("convert-dataset", At("coco.json"), At("voc"), "--from", "coco", "--split", "val").Succeeds().Output,
            StringComparison.Ordinal
        );
        Tool.Run("convert-dataset", At("voc"), At("back.json"), "--from", "voc", "--split", "val", "--classes", "dog,cat").Succeeds();

        Directory.CreateDirectory(At("voc/JPEGImages"));
        var before = new CocoDetection(new(At("voc/JPEGImages"), At("coco.json")));
        var after = new CocoDetection(new(At("voc/JPEGImages"), At("back.json")));
        var voc = new VocDetection(new(At("voc"), "val") { Classes = ["dog", "cat"] });
        Assert.Equal(before.Info.Classes, after.Info.Classes);
        for (var i = 0; i < before.Count; i++)
        {
            var (expected, found) = (before.Get(i), after.Get(i));
            Assert.Equal((expected.Name, expected.Truth.BoxAnnotation!.Count), (found.Name, found.Truth.BoxAnnotation!.Count));
            Assert.Equal(expected.Truth.Boxes!.Labels, found.Truth.Boxes!.Labels);
            Assert.Equal(expected.Truth.Boxes.Ignored, found.Truth.Boxes.Ignored); // the crowd has become difficult
            for (var c = 0; c < expected.Truth.BoxAnnotation.Boxes.Length; c++)
                Assert.Equal(expected.Truth.BoxAnnotation.Boxes[c], found.Truth.BoxAnnotation.Boxes[c], 12);
            Assert.Equal(
                expected.Truth.Boxes.Corners,
                voc.Get(i)
                    .Truth.Boxes!.Corners.Select(corner => MathF.Round(corner, 5))
                    .Zip(expected.Truth.Boxes.Corners, (a, b) => MathF.Abs(a - b) < 1e-4 ? b : a)
            );
        }
        Assert.DoesNotContain(
            Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories),
            path => path.EndsWith(".tmp", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Yolo_FractionsToPixels_LabelsBesideOrInTheirFolder()
    {
        Image("y/images/a.png", 60, 80);
        Image("y/images/b.png", 60, 80);
        Image("y/images/c.png", 60, 80);
        Write("y/labels/a.txt", "1 0.5 0.5 0.25 0.5\n0 0.1 0.1 0.3 0.1 0.3 0.4\n");
        Write("y/images/b.txt", "0 0.5 0.5 1 1 0.9\n");
        Write("y/classes.txt", "cat\ndog\n");
        var said = Tool.Run("convert-dataset", At("y"), At("y.json"), "--from", "yolo").Succeeds();
        Assert.Contains("3 images, 3 boxes, 2 classes (cat, dog)", said.Output, StringComparison.Ordinal);
        var data = new CocoDetection(new(At("y"), At("y.json")));
        Assert.Equal([30, 15, 50, 45, 8, 6, 24, 24], data.Get(0).Truth.Boxes!.Corners.Select(value => MathF.Round(value, 3)));
        Assert.Equal([1, 0], data.Get(0).Truth.Boxes!.Labels);
        Assert.Equal([0, 0, 80, 60], data.Get(1).Truth.Boxes!.Corners);
        Assert.Empty(data.Get(2).Truth.Boxes!.Labels);

        Write("y/labels/a.txt", "7 0.5 0.5 0.25 0.5\n0 0.5 x 1 1\n1 2\n");
        Tool.Run("convert-dataset", At("y"), At("y.json"), "--from", "yolo")
            .IsMistake("a.txt:1  class 7; there are 2, from 0", "a.txt:3  \"class x y width height\"", "no number", "--skip-bad");
        Assert.Contains(
            "2 boxes can't be used",
            Tool.Run("convert-dataset", At("y"), At("y.json"), "--from", "yolo", "--skip-bad").Succeeds().Error,
            StringComparison.Ordinal
        );
        File.Delete(At("y/classes.txt"));
        Tool.Run("convert-dataset", At("y"), At("y.json"), "--from", "yolo").IsMistake("name them with --classes");
    }

    [Fact]
    public void LabelMe_PointsToBoxes()
    {
        Image("l/a.png", 60, 80);
        Write(
            "l/a.json",
            """
            { "imagePath": "C:\\pictures\\a.png", "imageHeight": 60, "imageWidth": 80, "shapes": [
              { "label": "dog", "shape_type": "rectangle", "points": [[30, 40], [10, 20]] },
              { "label": "cat", "shape_type": "polygon", "points": [[1, 2], [9, 4], [5, 8.5]] },
              { "label": "cat", "shape_type": "circle", "points": [[40, 30], [43, 34]] } ] }
            """
        );
        Assert.Contains(
            "1 image, 3 boxes, 2 classes (cat, dog)",
            Tool.Run("convert-dataset", At("l"), At("l.json"), "--from", "labelme").Succeeds().Output,
            StringComparison.Ordinal
        );
        var sample = new CocoDetection(new(At("l"), At("l.json"))).Get(0);
        Assert.Equal([10, 20, 30, 40, 1, 2, 9, 8.5f, 35, 25, 45, 35], sample.Truth.Boxes!.Corners);
        Assert.Equal([1, 0, 0], sample.Truth.Boxes.Labels);

        Tool.Run("convert-dataset", At("l"), At("l.json"), "--from", "labelme", "--classes", "cat,dg")
            .IsMistake("shape 1 is a \"dog\"", "Did you mean \"dg\"?");
        Write("l/b.json", "{\n \"imagePath\": }");
        Tool.Run("convert-dataset", At("l"), At("l.json"), "--from", "labelme").IsMistake("b.json:2  not JSON");
        Write("l/b.json", "{ \"imagePath\": \"gone.png\", \"imageHeight\": \"x\", \"shapes\": [] }");
        Tool.Run("convert-dataset", At("l"), At("l.json"), "--from", "labelme")
            .IsMistake("gone.png doesn't exist", "b.json is not LabelMe's");
    }

    [Theory]
    [InlineData("voc")]
    [InlineData("coco")]
    [InlineData("labelme")]
    public void Coco_WithoutBoxes_HasThoseAroundTheMasks(string to)
    {
        Image("out/a.png", 60, 80);
        Write("coco.json", Outlined("\"height\": 60, \"width\": 80"));
        var said = Tool.Run("convert-dataset", At("coco.json"), At(to == "coco" ? "b.json" : "out"), "--from", "coco", "--to", to)
            .Succeeds();
        Assert.Contains("2 objects have no \"bbox\"; each has the box around its mask.", said.Error, StringComparison.Ordinal);
        Assert.Equal(to != "voc", said.Output.Contains("2 masks with them", StringComparison.Ordinal));
        if (to == "voc")
            Assert.Contains("<xmin>11</xmin>", File.ReadAllText(At("out/Annotations/a.xml")), StringComparison.Ordinal);
        Write(
            "coco.json",
            """
            { "images": [{ "id": 1, "file_name": "a.png", "height": 60, "width": 80 }],
              "annotations": [{ "id": 1, "image_id": 1, "category_id": 1 }], "categories": [{ "id": 1, "name": "cat" }] }
            """
        );
        Tool.Run("convert-dataset", At("coco.json"), At("none"), "--from", "coco", "--to", "voc")
            .IsMistake("annotation 1 of a.png: the box (x, y, width, height) is missing, no number or not four of them", "--skip-bad");
    }

    [Fact]
    public void Coco_WithoutSizes_ToLabelMe_MeasuresTheImages()
    {
        Write("coco.json", Outlined("\"license\": 1"));
        Tool.Run("convert-dataset", At("coco.json"), At("out"), "--from", "coco", "--to", "labelme")
            .IsMistake("coco.json: a.png has no \"height\" and \"width\", which LabelMe's files need", "Lay the images there");
        Image("out/a.png", 60, 80);
        Tool.Run("convert-dataset", At("coco.json"), At("out"), "--from", "coco", "--to", "labelme").Succeeds();
        var json = JsonNode.Parse(File.ReadAllText(At("out/a.json")))!;
        Assert.Equal((60, 80), ((int)json["imageHeight"]!, (int)json["imageWidth"]!));
        Assert.Equal(2, json["shapes"]!.AsArray().Count);
    }

    private static string Outlined(string size) =>
        $$"""
            { "images": [{ "id": 1, "file_name": "a.png", {{size}} }], "categories": [{ "id": 1, "name": "cat" }], "annotations": [
              { "segmentation": [[10, 10, 30, 10, 30, 20, 10, 20]], "id": 1, "image_id": 1, "category_id": 1 },
              { "segmentation": [[1, 2, 5, 2, 5, 8, 1, 8]], "id": 2, "image_id": 1, "category_id": 1 } ] }
            """;

    [Fact]
    public void Images_WithoutBoxes()
    {
        Image("i/a.png", 6, 8);
        Image("i/in/b.png", 9, 7);
        Tool.Run("convert-dataset", At("i"), At("i.json"), "--from", "images", "--classes", "cat,dog").Succeeds();
        var json = JsonNode.Parse(File.ReadAllText(At("i.json")))!;
        Assert.Equal(
            "[{\"id\":1,\"file_name\":\"a.png\",\"height\":6,\"width\":8},{\"id\":2,\"file_name\":\"in/b.png\",\"height\":9,\"width\":7}]",
            json["images"]!.ToJsonString()
        );
        Assert.Equal("[{\"id\":1,\"name\":\"cat\"},{\"id\":2,\"name\":\"dog\"}]", json["categories"]!.ToJsonString());
        Assert.Empty(json["annotations"]!.AsArray());
        Tool.Run("convert-dataset", At("i"), At("i.json"), "--from", "images").IsMistake("--classes");
        Tool.Run("convert-dataset", At("i"), At("i.txt"), "--from", "images", "--classes", "cat").IsMistake("ends in .json");
        Tool.Run("convert-dataset", At("none"), At("i.json"), "--from", "images", "--classes", "cat").IsMistake("none doesn't exist");
    }

    private string At(string name) => Path.Combine(_folder, name);

    private void Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    private void Image(string name, int height, int width) => Write(name, ImageCodec.EncodePng(new Image(height, width, 3)));

    private void Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), bytes);
    }
}
