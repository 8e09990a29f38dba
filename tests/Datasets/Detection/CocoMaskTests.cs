using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Detection;

/// <summary>COCO's segmentations: each form, drawn in training alone, and what can't be used.</summary>
public sealed class CocoMaskTests : IDisposable
{
    private const string Size = "\"size\": [6, 8]";

    private readonly TemporaryFolder _folder = new();

    public CocoMaskTests() => _folder.Write("images/a.png", ImageCodec.EncodePng(new Image(6, 8, 3)));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void EachForm_BecomesPixels()
    {
        // All of one rectangle: rows 1 to 2, columns 2 to 4 of 6 x 8. Column by column: 13 outside, 2 in, 4 out, 2 in, 4 out, 2 in, 21 out.
        var data = Read(
            """{ "id": 1, "bbox": [2, 1, 3, 2], "area": 7.5, "segmentation": [[2, 1, 5, 1, 5, 3, 2, 3]] }""",
            $$"""{ "id": 2, "bbox": [2, 1, 3, 2], "iscrowd": 1, "segmentation": { {{Size}}, "counts": [13, 2, 4, 2, 4, 2, 21] } }""",
            $$"""{ "id": 3, "bbox": [2, 1, 3, 2], "segmentation": { "counts": "=24000a0", {{Size}} } }""",
            """{ "id": 4, "segmentation": [[2, 1, 3.5, 1, 3.5, 3, 2, 3], [3.5, 1, 5, 1, 5, 3, 3.5, 3]] }"""
        );
        var truth = data.Get(0).Truth;
        Assert.Null(truth.InstanceMasks);
        var annotation = truth.BoxAnnotation!;
        Assert.All(annotation.Masks!, mask => Assert.Equal([13, 2, 4, 2, 4, 2, 21], mask.Runs));
        Assert.Equal([7.5, double.NaN, double.NaN, double.NaN], annotation.MaskAreas!);
        Assert.Equal([2, 1, 3, 2], annotation.Boxes[^4..]); // from the mask
        Assert.Equal([false, true, false, false], truth.Boxes!.Ignored);
        Assert.Contains(
            data.Check(),
            note => note.EndsWith("1 objects have no \"bbox\"; each has the box around its mask.", StringComparison.Ordinal)
        );

        Assert.Null(Loaded(data, training: false).Truth.InstanceMasks);
        var masks = Loaded(data, training: true).Truth.InstanceMasks!;
        Assert.Equal(4, masks.Count);
        Assert.All(masks, mask => Assert.Equal((6, 8, 6), (mask.Height, mask.Width, mask.Bytes.Sum(value => value))));
        Assert.All(masks, mask => Assert.Equal([0, 0, 1, 1, 1, 0, 0, 0], mask.Bytes[8..16]));
    }

    [Fact]
    public void WithoutBeingAsked_NothingIsRead()
    {
        var data = new CocoDetection(
            new(Path.Combine(_folder.Path, "images"), Write("""{ "id": 1, "bbox": [2, 1, 3, 2], "segmentation": 5 }"""))
        );
        Assert.Null(data.Get(0).Truth.BoxAnnotation!.Masks);
        Assert.Null(Loaded(data, training: true).Truth.InstanceMasks);
        Assert.Empty(data.Check());
    }

    [Fact]
    public void WithoutBoxes_ThoseAroundTheMasks_AlsoWhereMasksAreNotAsked()
    {
        var data = new CocoDetection(
            new(
                Path.Combine(_folder.Path, "images"),
                Write(
                    """{ "id": 1, "segmentation": [[2, 1, 5, 1, 5, 3, 2, 3]] }""",
                    """{ "id": 2, "bbox": [1, 1, 2, 2], "area": "4", "segmentation": 5 }"""
                )
            )
        );
        Assert.Equal([2, 1, 3, 2, 1, 1, 2, 2], data.Get(0).Truth.BoxAnnotation!.Boxes);
        Assert.Null(data.Get(0).Truth.BoxAnnotation!.Masks);
        var notes = data.Check();
        Assert.Equal(2, notes.Count);
        Assert.Contains("1 numbers are written as text", notes[0], StringComparison.Ordinal); // told once
        Assert.EndsWith("1 objects have no \"bbox\"; each has the box around its mask.", notes[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null", "it has no \"segmentation\"")]
    [InlineData("[]", "it has no \"segmentation\"")]
    [InlineData("[[]]", "it has no \"segmentation\"")]
    [InlineData("5", "neither a list of polygons nor run lengths")]
    [InlineData("[1, 1, 5, 1, 5, 5]", "is no list of polygons")]
    [InlineData("[[1, 1, 5, 1, 5, 5, 2]]", "odd number of coordinates (7)")]
    [InlineData("[[1, 1, 5, 5]]", "a polygon has 2 points; three make an area")]
    [InlineData("[[1, 1, 5, null, 5, 5]]", "a coordinate that is no number")]
    [InlineData("[[1, 1, 5, 1e300, 5, 5]]", "beyond all images")]
    [InlineData("[[8, 1, 12, 1, 12, 5]]", "it lies outside its image of 8 x 6")]
    [InlineData("[[[2, 1], [5, 1], [5, 3]]]", "a list of pairs [x, y]; one flat list x1, y1, x2, y2, … was expected")]
    [InlineData("[[[2, 1], [5, 1], [5, 3], [2, 3]]]", "a list of pairs [x, y]; one flat list x1, y1, x2, y2, … was expected")]
    [InlineData("[[2, 1], [5, 1], [5, 3]]", "a list of pairs [x, y]; one flat list x1, y1, x2, y2, … was expected")]
    [InlineData("{ \"counts\": [48] }", "no \"size\" of two whole numbers")]
    [InlineData("{ \"size\": [6, 8] }", "no \"counts\"")]
    [InlineData("{ \"size\": [8, 6], \"counts\": [48] }", "its size is 8 x 6 (rows x columns), its image's 6 x 8")]
    [InlineData("{ \"size\": [6, 8], \"counts\": [47] }", "its runs sum to 47, but the image of 8 x 6 has 48 pixels")]
    [InlineData("{ \"size\": [6, 8], \"counts\": [2147483647, 2147483647] }", "its runs sum to 4294967294")]
    [InlineData("{ \"size\": [6, 8], \"counts\": [-1, 49] }", "whole numbers from 0 to 2147483647")]
    [InlineData("{ \"size\": [6, 8], \"counts\": [1e99] }", "whole numbers from 0 to 2147483647")]
    [InlineData("{ \"size\": [6, 8], \"counts\": \"no\\tmask\" }", "its compressed counts hold")]
    [InlineData("{ \"size\": [1e9, 1e9], \"counts\": \"0\" }", "its size is 1000000000 x 1000000000")]
    public void BadMask_SkippedAndCounted_OrFatal(string segmentation, string said)
    {
        string[] objects =
        [
            $$"""{ "id": 4, "bbox": [2, 1, 3, 2], "segmentation": {{segmentation}} }""",
            """{ "id": 5, "bbox": [2, 1, 3, 2], "segmentation": [[2, 1, 5, 1, 5, 3, 2, 3]] }""",
        ];
        var data = Read(objects);
        var note = Assert.Single(data.Check());
        Assert.StartsWith(
            "1 mask can't be used and is skipped (on_bad_mask). The first: annotation 4 of a.png: ",
            note,
            StringComparison.Ordinal
        );
        Assert.Contains(said, note, StringComparison.Ordinal);
        Assert.Equal("masks that can't be used (on_bad_mask)", Assert.Single(data.LeftOut).Reason);
        var truth = data.Get(0).Truth;
        Assert.Equal([true, false], truth.Boxes!.Ignored);
        Assert.Equal([false, false], truth.BoxAnnotation!.Ignored); // asked for, and not found
        Assert.Equal([0L, 6], truth.BoxAnnotation.Masks!.Select(mask => mask.Area));
        var strict = new CocoDetection(
            new(Path.Combine(_folder.Path, "images"), Write(objects), WithMasks: true, OnBadMask: BadData.Error)
        );
        Assert.Contains(said, Assert.Throws<UserErrorException>(() => strict.Check()).Message, StringComparison.Ordinal);
    }

    /// <summary>What crosses itself is filled by the even-odd rule; what leaves the image is cut off; a mask may be empty all
    /// the same.</summary>
    [Fact]
    public void OddOutlines_AreUsable()
    {
        var data = Read(
            """{ "id": 1, "bbox": [0, 0, 8, 6], "segmentation": [[0, 0, 8, 6, 8, 0, 0, 6]] }""",
            """{ "id": 2, "bbox": [0, 0, 8, 6], "segmentation": [[-9, -9, 99, -9, 99, 99, -9, 99]] }""",
            """{ "id": 3, "bbox": [1, 1, 1, 1], "segmentation": [[1, 1, 1.1, 1.1, 1, 1.1]] }"""
        );
        Assert.Empty(data.Check());
        var masks = data.Get(0).Truth.BoxAnnotation!.Masks!;
        Assert.InRange(masks[0].Area, 20, 28); // two triangles of 12 square pixels each
        Assert.Equal((48L, 0L), (masks[1].Area, masks[2].Area));
        Assert.Equal(3, Loaded(data, training: true).Truth.InstanceMasks!.Count);
    }

    [Fact]
    public void UnusableBoxes_KeepTheirMasksForMeasures()
    {
        var data = Read(
            """{ "id": 1, "bbox": [2, 1, 0, 2], "segmentation": [[2, 1, 5, 1, 5, 3, 2, 3]] }""",
            """{ "id": 2, "bbox": [2, 1, 3, 2], "segmentation": [[0, 0, 8, 0, 8, 6, 0, 6]] }"""
        );
        var annotation = data.Get(0).Truth.BoxAnnotation!.WithUnusable();
        Assert.Equal([48L, 6], annotation.Masks!.Select(mask => mask.Area));
        Assert.Equal([double.NaN, double.NaN], annotation.MaskAreas!);
    }

    [Fact]
    public void ImageOfAnotherSize_IsRefused()
    {
        _folder.Write("images/a.png", ImageCodec.EncodePng(new Image(7, 8, 3)));
        var data = Read("""{ "id": 1, "bbox": [2, 1, 3, 2], "segmentation": [[2, 1, 5, 1, 5, 3, 2, 3]] }""");
        data.Pipeline = [new Tessera.Datasets.Transforms.LoadImage(new(CheckSize: false))];
        Assert.Contains(
            "its masks were made for 8 x 6",
            Assert.Throws<UserErrorException>(() => Loaded(data, true)).Message,
            StringComparison.Ordinal
        );
    }

    private static Sample Loaded(CocoDetection data, bool training) =>
        new Tessera.Datasets.Transforms.LoadImage(new(CheckSize: false)).Apply(data.Open(0, training), new RandomSource(0));

    private CocoDetection Read(params string[] objects) => new(new(Path.Combine(_folder.Path, "images"), Write(objects), WithMasks: true));

    private string Write(params string[] objects) =>
        _folder.Write(
            "a.json",
            $$"""
            { "images": [{ "id": 1, "file_name": "a.png", "height": 6, "width": 8 }], "categories": [{ "id": 1, "name": "cat" }],
              "annotations": [{{string.Join(
                ", ",
                objects.Select(one => one.Replace("{ \"id\"", "{ \"image_id\": 1, \"category_id\": 1, \"id\"", StringComparison.Ordinal))
            )}}] }
            """
        );
}
