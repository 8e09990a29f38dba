using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.Data;

/// <summary>LabelMe's shapes of all types: what encloses something is a mask, and nothing is lost without a word.</summary>
[Collection(InProcess.Name)]
public sealed class LabelMeShapeTests : IDisposable
{
    private const string Square = "[[10, 10], [30, 10], [30, 30], [10, 30]]";

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-labelme").FullName;

    public LabelMeShapeTests()
    {
        Directory.CreateDirectory(At("l"));
        File.WriteAllBytes(At("l/a.png"), ImageCodec.EncodePng(new Image(48, 64, 3)));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Crowd_IsRead_AndComesBack()
    {
        Shapes(
            $$"""{ "label": "cat", "points": {{Square}}, "shape_type": "polygon", "flags": { "iscrowd": true } }""",
            """{ "label": "cat", "points": [[1, 1], [5, 5]], "shape_type": "rectangle", "flags": { "iscrowd": false } }"""
        );
        Convert().Succeeds();
        Assert.Equal([true, false], Truth().Boxes!.Ignored);
        Directory.CreateDirectory(At("back"));
        Tool.Run("convert-dataset", At("l.json"), At("back"), "--from", "coco", "--to", "labelme").Succeeds();
        File.Move(At("back/a.json"), At("l/a.json"), overwrite: true);
        Convert().Succeeds();
        Assert.Equal([true, false], Truth().Boxes!.Ignored);
    }

    [Theory]
    [InlineData("rotation")]
    [InlineData("oriented_rectangle")]
    [InlineData("quadrilateral")]
    [InlineData("rectangle")]
    [InlineData("polygon")]
    public void FourPoints_AreAMask(string type)
    {
        Shapes(Shape("[[20, 10], [30, 20], [20, 30], [10, 20]]", type));
        var said = Convert().Succeeds();
        Assert.Contains("1 mask with them.", said.Output, StringComparison.Ordinal);
        var truth = Truth().BoxAnnotation!;
        Assert.Equal([10, 10, 20, 20], truth.Boxes);
        Assert.InRange(truth.Masks![0].Area, 190, 210);
    }

    [Fact]
    public void Png_IsAMask_AloneAndInAGroup()
    {
        var png = Png(21, 16, (x, y) => x >= 5 && y < 10);
        Shapes(
            $$"""{ "label": "cat", "points": [[10, 12], [30, 27]], "shape_type": "mask", "mask": "{{png}}" }""",
            $$"""{ "label": "dog", "points": [[50, 40], [70, 55]], "shape_type": "mask", "mask": "{{png}}", "group_id": 1 }""",
            """{ "label": "dog", "points": [[1, 1], [3, 3]], "shape_type": "rectangle", "group_id": 1 }"""
        );
        Convert().Succeeds();
        var truth = Truth().BoxAnnotation!;
        Assert.Equal([15, 12, 16, 10, 1, 1, 63, 47], truth.Boxes); // of the pixels; what leaves the image is cut off
        Assert.Equal((15, 12, 16, 10), truth.Masks![0].Box);
        Assert.Equal([160, 9 * 8 + 4], truth.Masks.Select(mask => mask.Area));
        Assert.Equal([160, 9 * 8 + 4], truth.Areas);
    }

    [Theory]
    [InlineData("", "shape 2: its \"mask\" is no PNG in base64")]
    [InlineData("not base64!", "shape 2: its \"mask\" is no PNG in base64")]
    [InlineData("aGVsbG8=", "shape 2: its \"mask\" is no PNG in base64")]
    [InlineData("cut", "shape 2, its mask")]
    [InlineData("small", "shape 2: its \"mask\" has 3 x 2 pixels, but its points enclose 21 x 21")]
    [InlineData("empty", "shape 2: its \"mask\" has no pixel within the image")]
    [InlineData(null, "shape 2: it has no \"mask\"")]
    public void BadPng_NamesItsShape(string? mask, string said)
    {
        var text = mask switch
        {
            "cut" => System.Convert.ToBase64String(System.Convert.FromBase64String(Png(21, 21, (_, _) => true))[..40]),
            "small" => Png(3, 2, (_, _) => true),
            "empty" => Png(21, 21, (_, _) => false),
            _ => mask,
        };
        var json = text is null ? "null" : $"\"{text}\"";
        Shapes(
            Shape(Square, "polygon"),
            $$"""{ "label": "cat", "points": [[10, 10], [30, 30]], "shape_type": "mask", "mask": {{json}} }"""
        );
        Convert().IsMistake("a.json: " + said, "--skip-bad");
        Assert.Contains(
            "1 mask can't be used and is skipped (--skip-bad)",
            Convert("--skip-bad").Succeeds().Error,
            StringComparison.Ordinal
        );
        Assert.Equal([10, 10, 20, 20, 10, 10, 21, 21], Truth().BoxAnnotation!.Boxes);
    }

    [Fact]
    public void TypesWithoutAnOutline_AreTold()
    {
        Shapes(
            Shape(Square, "cuboid"),
            Shape("[[1, 1], [9, 9], [1, 1], [9, 9]]", "cuboid"),
            Shape("[[20, 20], [30, 20], [20, 25]]", "ellipse")
        );
        var said = Convert().Succeeds();
        Assert.Contains("2 shapes of the type \"cuboid\" have a box alone, so no mask.", said.Error, StringComparison.Ordinal);
        Assert.Contains("1 shape of the type \"ellipse\" has a box alone, so no mask.", said.Error, StringComparison.Ordinal);
        Assert.Contains("3 boxes", said.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("with them", said.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[[1, 1], [5, 5]]", "polygon", "a.json: shape 2: a polygon of 2 points; three make an area")]
    [InlineData("[[1, 1], [5, 5], [7, 7]]", "circle", "a.json: shape 2: a circle of 3 points; its centre and one of its rim are two")]
    [InlineData("[[1, 1]]", "rectangle", "a.json: shape 2: a rectangle of 1 point; two corners make a box")]
    [InlineData("[]", "polygon", "a.json: shape 2: its \"points\" are no list of pairs [x, y]")]
    [InlineData("[1, 1, 5, 5, 5, 1]", "polygon", "a.json: shape 2: its \"points\" are no list of pairs [x, y]")]
    [InlineData("[[1, 5], [9, 5]]", "line", "a.json: shape 2: the box [1, 5, 8, 0] (x, y, width, height) has no extent")]
    public void TooFewPoints_AreToldWithFileAndShape(string points, string type, string said)
    {
        Shapes(Shape(Square, "polygon"), Shape(points, type));
        Convert().IsMistake(said);
        Assert.Contains(
            "1 box can't be used and is skipped (--skip-bad)",
            Convert("--skip-bad").Succeeds().Error,
            StringComparison.Ordinal
        );
        Assert.Single(Truth().BoxAnnotation!.Labels);
    }

    [Fact]
    public void Points_AreLeftOutAndCounted()
    {
        Shapes(
            $$"""{ "label": "cat", "points": {{Square}}, "shape_type": "polygon", "group_id": 1 }""",
            """{ "label": "cat", "points": [[40, 40]], "shape_type": "point", "group_id": 1 }""",
            Shape("[[3, 3]]", "point")
        );
        Assert.Contains(
            "left out: single points, which have no box: 2. The first: " + At("l/a.json") + ": shape 2",
            Convert().Succeeds().Error,
            StringComparison.Ordinal
        );
        Assert.Equal([10, 10, 20, 20], Truth().BoxAnnotation!.Boxes);
        Shapes(Shape("[[3, 3]]", "point"));
        Convert().IsMistake("objects are annotated, but none can be used", "single points");
    }

    [Fact]
    public void FlagsWithoutShapes_AreNothingToConvert()
    {
        File.WriteAllText(At("l/a.json"), """{ "imagePath": "a.png", "flags": { "cat": true }, "shapes": [] }""");
        Convert()
            .IsMistake("there is no shape in any file (1 .json file)", "\"flags\" classify whole images, which this tool doesn't convert");
        Assert.False(File.Exists(At("l.json")));
    }

    private static string Shape(string points, string type) =>
        $$"""{ "label": "cat", "points": {{points}}, "shape_type": "{{type}}", "flags": {} }""";

    private static string Png(int width, int height, Func<int, int, bool> inside)
    {
        var mask = new Image(height, width, 1);
        for (var i = 0; i < mask.Bytes.Length; i++)
            mask.Bytes[i] = (byte)(inside(i % width, i / width) ? 255 : 0);
        return System.Convert.ToBase64String(ImageCodec.EncodePng(mask));
    }

    private void Shapes(params string[] shapes) =>
        File.WriteAllText(
            At("l/a.json"),
            $$"""{ "imagePath": "a.png", "imageHeight": 48, "imageWidth": 64, "flags": {}, "shapes": [{{string.Join(", ", shapes)}}] }"""
        );

    private Said Convert(params string[] more) => Tool.Run(["convert-dataset", At("l"), At("l.json"), "--from", "labelme", .. more]);

    private GroundTruth Truth() => new CocoDetection(new(At("l"), At("l.json"), WithMasks: true)).Get(0).Truth;

    private string At(string name) => Path.Combine(_folder, name);
}
