using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.Data;

/// <summary>YOLO's and LabelMe's files as their tools write them: converted rightly, or an error; never fewer boxes without a
/// word.</summary>
[Collection(InProcess.Name)]
public sealed class LooseAnnotationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-loose").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("names: [cat, 'dog, large']  # two\nnc: 2\n")]
    [InlineData("path: ../x\nnames:\n  0: cat\n  1: \"dog, large\"\nnc: 2")]
    [InlineData("names:\r\n- cat\r\n- dog, large\r\ntrain: images\r\n")]
    [InlineData("names: {0: cat, 1: 'dog, large'}\n")]
    [InlineData("names: [\n  'cat',\n  'dog, large',\n]\n")]
    [InlineData("kpt_shape:\n- 2 # points\n\n- 2\nnames: [cat, 'dog, large']\n")]
    public void Yolo_DataYaml_NamesTheClasses(string yaml)
    {
        Image("y/images/a.JPG", 60, 80);
        Image("y/images/b.png", 60, 80);
        Write("y/labels/a.txt", "\uFEFF1 0.5 0.5 0.25 0.5\r\n\r\n");
        Write("y/data.yaml", yaml);
        Write("y/readme.txt", "about these images");
        var said = Yolo().Succeeds();
        Assert.Contains("1 of 2 images have no label file and are taken for background", said.Error, StringComparison.Ordinal);
        Assert.Contains("text files that are no labels: 1", said.Error, StringComparison.Ordinal);
        var data = new CocoDetection(new(At("y"), At("y.json")));
        Assert.Equal(["cat", "dog, large"], data.Info.Classes);
        Assert.Equal([30, 15, 50, 45], data.Get(0).Truth.Boxes!.Corners);
    }

    [Fact]
    public void Yolo_TwoImagesInTwoCases_TheLabelsAreOfTheOneWithTheirName()
    {
        Image("y/images/A.JPG", 60, 80);
        Image("y/images/a.jpg", 60, 80);
        Write("y/labels/a.txt", "0 0.5 0.5 0.25 0.5");
        Write("y/data.yaml", "names: [cat]");
        Assert.Contains("1 of 2 images have no label file", Yolo().Succeeds().Error, StringComparison.Ordinal);
        var data = new CocoDetection(new(At("y"), At("y.json")) { FilterEmpty = false });
        Assert.Equal(
            ["A.JPG 0", "a.jpg 1"],
            Enumerable.Range(0, data.Count).Select(i => $"{Path.GetFileName(data.Get(i).Name)} {data.Get(i).Truth.BoxAnnotation!.Count}")
        );
    }

    [Fact]
    public void Yolo_LabelsFromOne_AreRefused_AlsoWhereBadOnesAreSkipped()
    {
        Image("y/images/a.jpg", 60, 80);
        Write("y/labels/a.txt", "1 0.5 0.5 0.2 0.2\n2 0.4 0.4 0.2 0.2\n");
        Write("y/data.yaml", "names: [cat, dog]");
        foreach (
            var options in (string[][])
                [
                    [],
                    ["--skip-bad"],
                ]
        )
            Tool.Run(["convert-dataset", At("y"), At("y.json"), "--from", "yolo", .. options])
                .IsMistake("no line has class 0, and 1 line the number of classes itself", "seem to count from 1");
        Write("y/labels/a.txt", "0,0.5,0.5,0.2,0.2");
        Tool.Run("convert-dataset", At("y"), At("y.json"), "--from", "yolo").IsMistake("separated by blanks, not by commas");
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("latin1")]
    public void LabelMe_AnotherEncoding_IsNamed(string encoding)
    {
        Image("l/a.jpg", 60, 80);
        var text =
            """{ "imagePath": "a.jpg", "imageHeight": 60, "imageWidth": 80, "shapes": [{ "label": "é", "shape_type": "rectangle", "points": [[1, 1], [9, 9]] }] }""";
        var coding = System.Text.Encoding.GetEncoding(encoding);
        File.WriteAllBytes(At("l/a.json"), [.. coding.GetPreamble(), .. coding.GetBytes(text)]);
        Tool.Run("convert-dataset", At("l"), At("l.coco.json"), "--from", "labelme")
            .IsMistake("a.json:1  is no UTF-8", "Latin-1 or UTF-16");
    }

    [Fact]
    public void Classes_ThatDifferInCaseAlone_AreTold()
    {
        Image("y/images/a.jpg", 60, 80);
        Write("y/labels/a.txt", "0 0.5 0.5 0.2 0.2\n1 0.4 0.4 0.2 0.2\n");
        Write("y/data.yaml", "names: [cat, Cat]");
        Assert.Contains("class names differ only in upper and lower case", Yolo().Succeeds().Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("names: [cat, dog]\nnc: 3\n", "nc is 3, but names has 2 entries")]
    [InlineData("names:\n  0: cat\n  2: dog\n", "none for 1")]
    [InlineData("nc: 1\nnames:\n  zero\n", "data.yaml:3  \"zero\" in names")]
    [InlineData("kpt_shape:\n- 2\nnames: [cat, dog]\n", "data.yaml:1  kpt_shape is \"2\"; [number of points, 2 or 3] was expected")]
    public void Yolo_DataYaml_OddIsToldWithItsLine(string yaml, string expected)
    {
        Image("y/a.png", 60, 80);
        Write("y/a.txt", "0 0.5 0.5 0.25 0.5");
        Write("y/data.yaml", yaml);
        Yolo().IsMistake(expected);
    }

    [Fact]
    public void Yolo_KeyPointsAndOutlines()
    {
        Image("y/a.png", 100, 100);
        // A box with two key points of x, y, visibility; an outline.
        Write("y/a.txt", "0 0.5 0.5 0.4 0.2 0.4 0.5 2 0.6 0.55 1\n0 0.1 0.1 0.3 0.1 0.3 0.4\n");
        Write("y/classes.txt", "person\n");
        var said = Yolo().Succeeds();
        Assert.Contains("1 line has key points", said.Error, StringComparison.Ordinal);
        Assert.Equal([30, 40, 70, 60, 10, 10, 30, 40], Corners());

        // Pairs that all lie in what the first four could be: told, and settled by either remedy.
        Write("y/a.txt", "0 0.5 0.5 0.4 0.4 0.45 0.55 0.6 0.6\n");
        Yolo().IsMistake("a.txt:1  a box with key points of two values, or an outline?", "--outlines", "kpt_shape");
        Yolo("--outlines").Succeeds();
        Assert.Equal([40, 40, 60, 60], Corners());
        Write("y/data.yaml", "names: [person]\nkpt_shape: [2, 2]\n");
        Yolo().Succeeds();
        Assert.Equal([30, 30, 70, 70], Corners());
        Write("y/data.yaml", "names: [person]\nkpt_shape:\n  - 2\n  - 2\n");
        Yolo().Succeeds();
        Assert.Equal([30, 30, 70, 70], Corners());
        Write("y/a.txt", "0 0.5 0.5 0.4 0.4 0.45 0.55 1\n");
        Yolo().IsMistake("a.txt:1  8 values; a class, a box and 2 key points of 2 are 9");
    }

    [Fact]
    public void Yolo_NothingUsable_OrAmbiguous_IsAnError()
    {
        Image("y/images/a.png", 60, 80);
        Write("y/classes.txt", "cat\n\ndog\n");
        Write("y/labels/a.txt", "0 0.5 0.5 0.25 0.5");
        Yolo().IsMistake("classes.txt:2  a blank line between names");
        Write("y/classes.txt", "cat\ndog\n\n");
        Image("y/images/a.webp.png", 60, 80);
        Write("y/labels/c.txt", "0 0.5 0.5 0.25 0.5");
        Yolo().IsMistake("c.txt: there is no image for these labels");
        File.Delete(At("y/labels/c.txt"));
        File.Move(At("y/images/a.webp.png"), At("y/images/a.bmp"));
        Yolo().IsMistake("a.txt would be the labels of two images, images/a.bmp and images/a.png");
        File.Delete(At("y/images/a.bmp"));
        Write("y/labels/a.txt", "9 0.5 0.5 0.25 0.5");
        Yolo("--skip-bad").IsMistake("objects are annotated, but none can be used", "class 9");
        File.Delete(At("y/labels/a.txt"));
        Yolo().IsMistake("none of the 1 images has a label file");
        Directory.Delete(At("y/images"), recursive: true);
        Write("y/a.heic", "x");
        Yolo().IsMistake("holds no images", "HEIC files, which can't be read: 1");
    }

    [Fact]
    public void Yolo_PixelsOrCorners_AreRefused()
    {
        Image("y/a.png", 60, 80);
        Write("y/classes.txt", "cat\n");
        Write("y/a.txt", "0 40 30 20 30\n0 10 10 8 6\n");
        Yolo("--skip-bad").IsMistake("all 2 boxes have values above 1", "a.txt:1, 40 30 20 30", "Divide x and width by the image's width");
        Write("y/a.txt", "0 0.1 0.1 0.3 0.4\n0 0.5 0.6 0.8 0.9\n0 0.4 0.7 0.6 0.95\n0 0.05 0.2 0.15 0.6\n");
        Yolo("--skip-bad").IsMistake("the boxes are written as two corners, \"class x1 y1 x2 y2\"", "Write x = (x1 + x2) / 2");
    }

    [Fact]
    public void Yolo_OutlinesInPixels_AreRefused()
    {
        Image("y/a.png", 60, 80);
        Write("y/classes.txt", "cat\n");
        Write("y/a.txt", "0 10 10 30 10 30 20\n0 10 10 30 10 300 20\n");
        Yolo("--skip-bad")
            .IsMistake("all 2 outlines have values above 1", "written in pixels", "a.txt:1. Divide every x by the image's width");
        Write("y/a.txt", "0 0.5 0.5 1.5 0.5 1.5 0.9\n0 0.1 0.1 0.3 0.1 0.3 0.2\n"); // one leaves its image
        Yolo().Succeeds();
    }

    [Fact]
    public void Yolo_Scores_AreTold()
    {
        Image("y/a.png", 60, 80);
        Write("y/classes.txt", "cat\n");
        Write("y/a.txt", "0 0.5 0.5 0.25 0.5 0.93\n0 0.5 0.5 0.25 0.5\n");
        Assert.Contains("1 line has a value behind the box, as scores of predictions", Yolo().Succeeds().Error, StringComparison.Ordinal);
        Assert.Equal([30, 15, 50, 45, 30, 15, 50, 45], Corners());
    }

    [Fact]
    public void Yolo_CommasAndOtherEncodings_AreToldAsTheyStandThere()
    {
        Image("y/a.png", 60, 80);
        Write("y/classes.txt", "cat\n");
        Write("y/a.txt", "\n0 0,5 0,5 0,4 0,4\n");
        Yolo().IsMistake("a.txt:2  value 2 is \"0,5\", which is no number: decimals stand behind a point, as in \"0.5\".");
        Write("y/a.txt", "0 0.5 0.5 0.25 0.5\n");
        File.Delete(At("y/classes.txt"));
        Write("y/data.yaml", System.Text.Encoding.Latin1.GetBytes("nc: 1\nnames: [caf\u00e9]\n"));
        Yolo().IsMistake("data.yaml:2  is no UTF-8 (the byte 0xE9): write the file as UTF-8");
        Yolo("--classes", At("y/data.yaml")).IsMistake("data.yaml:2  is no UTF-8");
        Write("y/data.yaml", "names: [caf\u00e9]\n");
        Write("y/readme.txt", System.Text.Encoding.Latin1.GetBytes("\u00fcber\n"));
        Assert.Contains("1 class (caf\u00e9)", Yolo().Succeeds().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void LabelMe_GroupsPathsAndByteOrderMark()
    {
        Image("l/images/a.png", 60, 80);
        Image("l/images/b.png", 60, 80);
        Write(
            "l/json/a.json",
            "\uFEFF"
                + """
                { "imagePath": "..\\images\\a.png", "imageHeight": 60, "imageWidth": 80, "shapes": [
                  { "label": "dog", "group_id": 1, "points": [[10, 20], [30, 40]] },
                  { "label": "dog", "group_id": 1, "points": [[50, 10], [60, 30]] },
                  { "label": "cat", "group_id": 1, "points": [[1, 2], [9, 4]] },
                  { "label": "dog", "group_id": null, "points": [[1, 1], [5, 5]] } ] }
                """
        );
        var said = LabelMe().Succeeds();
        Assert.Contains("1 image, 3 boxes, 2 classes (cat, dog)", said.Output, StringComparison.Ordinal);
        Assert.Contains("1 shape is a further part of a group", said.Error, StringComparison.Ordinal);
        Assert.Contains("images without a .json file: 1", said.Error, StringComparison.Ordinal);
        var data = new CocoDetection(new(At("l"), At("l.json")));
        Assert.Equal([10, 10, 60, 40, 1, 2, 9, 4, 1, 1, 5, 5], data.Get(0).Truth.Boxes!.Corners);

        Write("l/json/c.json", """{ "imagePath": "C:\\Users\\me\\B.PNG", "shapes": [{ "label": "", "points": [[1, 1], [5, 5]] }] }""");
        LabelMe().IsMistake("c.json: shape 1 has no label");
        Write("l/json/c.json", """{ "imagePath": "a.png", "shapes": [] }""");
        LabelMe().IsMistake("a.json and", "c.json are both annotations of images/a.png");
        Write("l/json/c.json", """{ "imagePath": "b.png" }""");
        LabelMe().IsMistake("c.json has no list \"shapes\"");
    }

    [Fact]
    public void Voc_BackgroundAndNothingUsable()
    {
        Image("v/JPEGImages/a.png", 60, 80);
        Image("v/JPEGImages/bg.png", 60, 80);
        Write(
            "v/Annotations/a.xml",
            "<annotation><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object></annotation>"
        );
        Write("v/ImageSets/Main/trainval.txt", "a.png\r\nbg.png\r\n");
        Voc().IsMistake("bg.xml doesn't exist", "--skip-bad leaves out what can't be used.");
        var skipped = Voc("--skip-bad").Succeeds().Error;
        Assert.Contains("(--skip-bad). The first: ", skipped, StringComparison.Ordinal);
        Assert.DoesNotContain("on_", skipped, StringComparison.Ordinal);
        Assert.Contains("2 images, 1 box,", Voc("--background").Succeeds().Output, StringComparison.Ordinal);
        Voc("--background", "--classes", "dog", "--skip-bad").IsMistake("none can be used", "\"cat\" is none of the classes");
    }

    private Said Yolo(params string[] more) => Tool.Run(["convert-dataset", At("y"), At("y.json"), "--from", "yolo", .. more]);

    private Said LabelMe() => Tool.Run("convert-dataset", At("l"), At("l.json"), "--from", "labelme");

    private Said Voc(params string[] more) => Tool.Run(["convert-dataset", At("v"), At("v.json"), "--from", "voc", .. more]);

    private IEnumerable<float> Corners() =>
        new CocoDetection(new(At("y"), At("y.json"))).Get(0).Truth.Boxes!.Corners.Select(value => MathF.Round(value, 3));

    private string At(string name) => Path.Combine(_folder, name);

    private void Image(string name, int height, int width) =>
        Write(
            name,
            name.EndsWith(".JPG", StringComparison.Ordinal)
                ? ImageCodec.EncodeJpeg(new Image(height, width, 3))
                : ImageCodec.EncodePng(new Image(height, width, 3))
        );

    private void Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    private void Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), bytes);
    }
}
