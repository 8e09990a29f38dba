using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.Data;

/// <summary>Annotations that nothing, or less than they hold, would be made of: each is told by its file and what was expected.</summary>
[Collection(InProcess.Name)]
public sealed class RefusedAnnotationTests : IDisposable
{
    private const string Xml =
        "<annotation><size><width>80</width><height>60</height></size><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
        + "<xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>";

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-refused").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("voc")]
    [InlineData("yolo")]
    [InlineData("coco")]
    public void NoBoxAtAll_IsAnError(string from)
    {
        Image("in/JPEGImages/a.png");
        Write("in/Annotations/a.xml", "<annotation><size><width>80</width><height>60</height></size></annotation>");
        Write("in/ImageSets/Main/trainval.txt", "a\n");
        Write("yolo/classes.txt", "cat\n");
        Image("yolo/a.png");
        Write("yolo/a.txt", "");
        Write("c.json", Coco("a.png", annotations: ""));
        var (input, output) =
            from == "voc" ? ("in", "o.json")
            : from == "yolo" ? ("yolo", "o.json")
            : ("c.json", "o");
        Convert(input, output, from).IsMistake("1 image without any object, so no box to convert", "--from images");
        Assert.False(Path.Exists(At(output)));
    }

    [Fact]
    public void Voc_AnotherNameOfOneImage_AndAnUnreadableOne_AreTold()
    {
        Image("v/JPEGImages/a1.png");
        Write("v/Annotations/a1.xml", Xml);
        Write("v/Annotations/b.xml", Xml);
        Write("v/JPEGImages/b.gif", "GIF89a");
        Write("v/ImageSets/Main/trainval.txt", "a1\nA1\nb\n");
        Convert("v", "v.json", "voc")
            .IsMistake(
                "trainval.txt:2  A1 is the image of line 1, a1, in other letters: ",
                "b.jpg doesn't exist. ",
                "b.gif is there: GIF files can't be read; convert it to JPEG or PNG."
            );
        Assert.Contains("1 image, 1 box,", Convert("v", "v.json", "voc", "--skip-bad").Succeeds().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Yolo_UnreadableImage_IsNamed()
    {
        Write("y/classes.txt", "cat\n");
        foreach (var name in (string[])["a", "b"])
            Write($"y/labels/{name}.txt", "0 0.5 0.5 0.25 0.5\n");
        Image("y/images/a.png");
        Write("y/images/b.gif", "GIF89a");
        Convert("y", "y.json", "yolo").IsMistake("b.txt: there is no image for these labels. ", "b.gif is there: GIF files can't be read");
    }

    [Theory]
    [InlineData("data.yaml", "names: [cat, dog, cat]\n", "data.yaml:1  class 2 is named \"cat\", as class 0 is.")]
    [InlineData("data.yaml", "names:\n- cat\n- dog\n- cat\n", "data.yaml:4  class 2 is named \"cat\", as class 0 is.")]
    [InlineData("classes.txt", "cat\ncat\ndog\n", "classes.txt:2  class 1 is named \"cat\", as class 0 is.")]
    public void Yolo_NameThatComesTwice_IsRefused(string file, string text, string said)
    {
        Image("y/a.png");
        Write("y/a.txt", "0 0.5 0.5 0.25 0.5\n1 0.5 0.5 0.25 0.5\n");
        Write($"y/{file}", text);
        Convert("y", "y.json", "yolo").IsMistake(said);
    }

    [Theory]
    [InlineData(
        """{ "label": "cat", "points": [["1", 1], [9, 9]] }""",
        "\"points\" of shape 1 holds the text \"1\"; a number was expected."
    )]
    [InlineData("""{ "label": 5, "points": [[1, 1], [9, 9]] }""", "\"label\" of shape 1 is the number 5; a text was expected.")]
    [InlineData("""[1, 2]""", "shape 1 is the list [1,2]; an object was expected.")]
    public void LabelMe_ValueOfAnotherKind_IsNamed(string shape, string said)
    {
        Image("l/a.png");
        LabelMe("l/a.json", "a.png", shape);
        Convert("l", "l.json", "labelme").IsMistake($"a.json is not LabelMe's: {said}");
    }

    [Fact]
    public void LabelMe_ImagesThatCannotBeTaken_AreToldAndCounted()
    {
        const string shape = """{ "label": "cat", "points": [[1, 1], [9, 9]] }""";
        Image("l/a.png");
        LabelMe("l/a.json", "", shape);
        Convert("l", "l.json", "labelme")
            .IsMistake("a.json: \"imagePath\" is empty; the name of its image was expected. Is it \"a.png\", which lies beside it?");
        LabelMe("l/a.json", "a.png", shape);
        Write("l/b.gif", "GIF89a");
        LabelMe("l/b.json", "b.gif", shape);
        LabelMe("l/c.json", "c.png", shape);
        Convert("l", "l.json", "labelme")
            .IsMistake("b.json: its image can't be read. ", "b.gif is there: GIF files can't be read", "c.png doesn't exist.");
        var said = Convert("l", "l.json", "labelme", "--skip-bad").Succeeds();
        Assert.Contains("1 image, 1 box,", said.Output, StringComparison.Ordinal); // neither of the two
        Assert.Contains("2 annotations name missing images and are skipped", said.Error, StringComparison.Ordinal);
        Assert.Contains("GIF files, which can't be read: 1", said.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sub/b.JPG", "sub/b.JPG", false)]
    [InlineData("SUB/b.jpg", "sub/b.JPG", true)]
    [InlineData("images/sub/b.JPG", "sub/b.JPG", true)]
    [InlineData("b.JPG", "sub/b.JPG", true)]
    public void Coco_ToLabelMe_TheFileLiesBesideItsImage(string named, string lies, bool told)
    {
        Image("images/a.png");
        Image($"images/{lies}");
        Write("c.json", Coco(named, """{ "id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 8] }"""));
        var said = Convert("c.json", "images", "coco", "--to", "labelme").Succeeds();
        var json = JsonNode.Parse(File.ReadAllText(At(Path.ChangeExtension($"images/{lies}", ".json"))))!;
        Assert.Equal("b.JPG", (string?)json["imagePath"]);
        Assert.Equal(told, said.Error.Contains($"under another name than the annotations have", StringComparison.Ordinal));
        Assert.Single(Directory.GetFiles(At("images"), "*.json", SearchOption.AllDirectories));
    }

    [Fact]
    public void Coco_ToLabelMe_ImagesThatAreNotThere_AreCounted()
    {
        Image("images/x/a.png");
        Image("images/y/a.png");
        Write("c.json", Coco("a.png", """{ "id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 8] }"""));
        Assert.Contains(
            "1 of 1 image isn't in ",
            Convert("c.json", "images", "coco", "--to", "labelme").Succeeds().Error,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "1 of 1 image isn't in ",
            Convert("c.json", "none", "coco", "--to", "labelme").Succeeds().Error,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Images_ThatCannotBeRead_AreNoAnnotationFiles()
    {
        Image("i/a.png");
        Write("i/b.png", "x");
        var said = Convert("i", "i.json", "images", "--classes", "cat", "--skip-bad").Succeeds();
        Assert.Contains("1 file can't be read; its image is skipped", said.Error, StringComparison.Ordinal);
    }

    private static string Coco(string file, string annotations) =>
        $$"""
            { "images": [{ "id": 1, "file_name": "{{file}}", "height": 60, "width": 80 }], "categories": [{ "id": 1, "name": "cat" }],
              "annotations": [{{annotations}}] }
            """;

    private void LabelMe(string name, string image, string shape) =>
        Write(name, $$"""{ "imagePath": "{{image}}", "imageHeight": 60, "imageWidth": 80, "shapes": [{{shape}}] }""");

    private Said Convert(string input, string output, string from, params string[] more) =>
        Tool.Run(["convert-dataset", At(input), At(output), "--from", from, .. more]);

    private string At(string name) => Path.Combine(_folder, name);

    private void Image(string name)
    {
        Write(name, "");
        File.WriteAllBytes(At(name), ImageCodec.EncodePng(new Image(60, 80, 3)));
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text);
    }
}
