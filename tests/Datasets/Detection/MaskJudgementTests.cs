using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Detection;

/// <summary>Masks that the boxes of the same objects contradict.</summary>
public sealed class MaskJudgementTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public MaskJudgementTests() => _folder.Write("images/a.png", ImageCodec.EncodePng(new Image(60, 80, 3)));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Polygons_InFractionsBesideBoxesInPixels_AreRefused()
    {
        // The first object's fractions lie within its own box, the second's without.
        string[] objects =
        [
            Object("[0, 0, 40, 30]", "[0, 0, 0.5, 0, 0.5, 0.5]"),
            Object("[40, 30, 20, 20]", "[0.5, 0.5, 0.75, 0.5, 0.75, 1]"),
        ];
        var error = Assert.Throws<UserErrorException>(() => Read(objects).Check()).Message;
        Assert.Contains(
            "all points of the 2 masks' polygons lie within 0 to 1: they are written as fractions of the image's sides",
            error,
            StringComparison.Ordinal
        );
        Assert.Contains("annotation 1 of a.png: [0, 0, 40, 30]", error, StringComparison.Ordinal);
        Assert.Empty(Read(Object("[0, 0, 40, 30]", "[0, 0, 40, 0, 40, 30]"), Object("[0, 0, 1, 1]", "[0, 0, 0.5, 0, 0.5, 0.5]")).Check());
        Assert.Empty(Read(Object("[0, 0, 1, 1]", "[0, 0, 0.5, 0, 0.5, 0.5]")).Check()); // a box as small
    }

    [Fact]
    public void Polygon_OutsideItsOwnBox_IsNoMask()
    {
        var data = Read(Object("[2, 2, 20, 20]", "[40, 40, 60, 40, 60, 59]"), Object("[2, 2, 20, 20]", "[2, 2, 22, 2, 22, 22]"));
        Assert.Equal(
            "1 mask can't be used and is skipped (on_bad_mask). The first: annotation 1 of a.png: it lies wholly outside of its own box, "
                + "[2, 2, 20, 20]: its points go from (40, 40) to (60, 59).",
            Assert.Single(data.Check())
        );
        Assert.Equal(1, data.ObjectsOf(0));
        Assert.Equal([true, false], data.Get(0).Truth.Boxes!.Ignored);
        Assert.Equal(0, data.Get(0).Truth.BoxAnnotation!.Masks![0].Area);
    }

    [Theory]
    [InlineData("[22.5, 2, 30, 2, 30, 9]", true)] // within a pixel
    [InlineData("[23.5, 2, 30, 2, 30, 9]", false)]
    [InlineData("[2, 22.5, 9, 30, 2, 30]", true)]
    [InlineData("[2, 23.5, 9, 30, 2, 30]", false)]
    [InlineData("[0, 0, 78, 0, 78, 59]", true)] // larger than the box
    public void Polygon_BesideItsBox_IsJudgedToThePixel(string polygon, bool usable) =>
        Assert.Equal(
            usable ? 2 : 1,
            Read(Object("[2, 2, 20, 20]", polygon), Object("[2, 2, 20, 20]", "[2, 2, 22, 2, 22, 22]")).ObjectsOf(0)
        );

    [Fact]
    public void Masks_OfAnotherSizeThanTheBoxes_AreDoubted()
    {
        // Boxes of 20 x 20, masks of half that size in the same corner: an IoU of a quarter.
        var halves = Enumerable.Repeat(Object("[2, 2, 20, 20]", "[2, 2, 12, 2, 12, 12]"), 3).ToArray();
        var whole = Object("[2, 2, 20, 20]", "[2, 2, 22, 2, 22, 22]");
        Assert.Contains(
            "of 3 of 4 objects the mask covers another part of the image than the box",
            Assert.Single(Read([.. halves, whole]).Check()),
            StringComparison.Ordinal
        );
        Assert.Empty(Read([.. halves[..2], whole, whole]).Check());
    }

    [Fact]
    public void Masks_ThatAreAllUnusable_AreRefused()
    {
        string[] objects = [Object("[2, 2, 20, 20]", "[1, 2, 3]"), """{ "bbox": [2, 2, 20, 20] }"""];
        var data = Read(objects);
        var error = Assert.Throws<UserErrorException>(() => data.Check()).Message;
        Assert.Contains("objects are annotated, but none can be used", error, StringComparison.Ordinal);
        Assert.Contains("2 masks can't be used and are skipped (on_bad_mask)", error, StringComparison.Ordinal);
        Assert.Equal(0, data.ObjectsOf(0));
        Assert.Equal([0], data.LabelsOf(0)!);
    }

    [Fact]
    public void ObjectsOf_CountsWhatIsLearnedFrom()
    {
        var data = Read(
            Object("[2, 2, 20, 20]", "[2, 2, 22, 2, 22, 22]"),
            """{ "bbox": [2, 2, 20, 20], "iscrowd": 1, "segmentation": [[2, 2, 22, 2, 22, 22]] }""",
            Object("[2, 2, 0, 20]", "[2, 2, 22, 2, 22, 22]")
        );
        Assert.Equal(1, data.ObjectsOf(0));
    }

    private static string Object(string box, string polygon) => $$"""{ "bbox": {{box}}, "segmentation": [{{polygon}}] }""";

    private CocoDetection Read(params string[] objects)
    {
        var listed = objects.Select((item, i) => $$"""{ "id": {{i + 1}}, "image_id": 1, "category_id": 1, {{item.Trim()[1..]}}""");
        var path = _folder.Write(
            "masks.json",
            System.Text.Encoding.UTF8.GetBytes(
                $$"""
                { "images": [{ "id": 1, "file_name": "a.png", "height": 60, "width": 80 }],
                  "annotations": [{{string.Join(", ", listed)}}], "categories": [{ "id": 1, "name": "thing" }] }
                """
            )
        );
        return new CocoDetection(new(Path.Combine(_folder.Path, "images"), path, WithMasks: true));
    }
}
