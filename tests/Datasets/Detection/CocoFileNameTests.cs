using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Detection;

/// <summary>COCO files as annotation tools write them: names, categories, numbers, sizes.</summary>
public sealed class CocoFileNameTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("./in/a.png", "in/a.png")]
    [InlineData("in//a.png", "in/a.png")]
    [InlineData("in\\\\a.png", "in/a.png")]
    [InlineData("IN/A.PNG", "in/a.png")]
    [InlineData("https://host.net/data/in/a.png?size=large", "in/a.png")]
    [InlineData("gs://bucket/b%20c.png", "b c.png")]
    public void FileName_FindsItsImage(string name, string file)
    {
        _folder.Write("images/" + file, Png());
        var data = Read(
            $$"""{ "images": [{ "id": 1, "file_name": "{{name}}" }], "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4] }], "categories": [{ "id": 1, "name": "a" }] }"""
        );
        Assert.EndsWith("images/" + file, data.Get(0).Name, StringComparison.Ordinal);
        Assert.Equal(1, data.Get(0).Truth.Boxes!.Count);
        Assert.Empty(data.LeftOut);
    }

    /// <summary>One image in two cases: each name its own file, and never another's.</summary>
    [Fact]
    public void FileName_InTwoCases()
    {
        _folder.Write("images/a.png", Png());
        const string Json =
            """{ "images": [{ "id": 1, "file_name": "A.png" }, { "id": 2, "file_name": "a.png" }], "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4] }, { "id": 2, "image_id": 2, "category_id": 1, "bbox": [5, 6, 7, 8] }], "categories": [{ "id": 1, "name": "a" }] }""";
        Assert.Contains(
            "A.png doesn't exist (a.png is there, but it is another annotation's)",
            Error(() => Read(Json).Check()),
            StringComparison.Ordinal
        );
        _folder.Write("images/A.png", Png());
        var data = Read(Json);
        Assert.Equal(
            [("A.png", 1f), ("a.png", 5f)],
            Enumerable.Range(0, 2).Select(i => (Path.GetFileName(data.Get(i).Name), data.Get(i).Truth.Boxes!.Corners[0]))
        );
        Assert.Contains(
            "A.png and a.png are there; which is meant?",
            Error(() => Read(Json.Replace("\"A.png\"", "\"A.PNG\"", StringComparison.Ordinal)).Check()),
            StringComparison.Ordinal
        );
    }

    /// <summary>Following the advice, no label is lost: the twin's id means the class that stays.</summary>
    [Fact]
    public void CategoryTwice_BothIdsMeanTheOneClass()
    {
        _folder.Write("images/a.png", Png());
        const string Json =
            """{ "images": [{ "id": 1, "file_name": "a.png" }], "categories": [{ "id": 0, "name": "helmet" }, { "id": 1, "name": "helmet" }, { "id": 2, "name": "vest" }], "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4] }, { "id": 2, "image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4] }] }""";
        var fatal = Error(() => Read(Json).Check());
        Assert.Contains("category \"helmet\" comes twice: 0, then 1", fatal, StringComparison.Ordinal);
        Assert.Contains("\"on_duplicate\": \"skip\"", fatal, StringComparison.Ordinal);
        var data = Read(Json, new("", "") { OnDuplicate = BadData.Skip });
        Assert.Equal(["helmet", "vest"], data.Info.Classes);
        Assert.Equal([0, 1], data.Get(0).Truth.Boxes!.Labels);
        Assert.Equal([1L, 2], data.Info.CategoryIds!); // the id that the annotations use
        data.Check();
    }

    [Fact]
    public void NumbersAsText_AreNumbers_AndTold()
    {
        _folder.Write("images/a.png", Png());
        var data = Read(
            """{ "images": [{ "id": 1, "file_name": "a.png", "width": "30", "height": "20" }], "categories": [{ "id": 1, "name": "a" }], "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": ["1", "2.5", "3", "4"], "iscrowd": "1" }, { "id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": "0", "area": "7" }] }"""
        );
        Assert.Equal([1, 2.5f, 4, 6.5f, 1, 2, 4, 6], data.Get(0).Truth.Boxes!.Corners);
        Assert.Equal([true, false], data.Get(0).Truth.Boxes!.Ignored);
        Assert.Equal([12.0, 7], data.Get(0).Truth.BoxAnnotation!.Areas);
        Assert.Contains(data.Check(), note => note.Contains("9 numbers are written as text", StringComparison.Ordinal));
        Assert.Contains(
            "a.json:2  annotations[0]: \"iscrowd\" is \"perhaps\"; 0 or 1 was expected",
            Error(() => Read("{ \"images\": [], \"categories\": [], \"annotations\": [\n{ \"id\": 1, \"iscrowd\": \"perhaps\" }] }")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void NoUsableBox_IsAnError()
    {
        _folder.Write("images/a.png", Png());
        var data = Read(
            """{ "images": [{ "id": 1, "file_name": "a.png" }], "categories": [{ "id": 1, "name": "a" }], "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": ["left", 2, 3, 4] }] }"""
        );
        var message = Error(() => data.Check());
        Assert.Contains("objects are annotated, but none can be used", message, StringComparison.Ordinal);
        Assert.Contains("no number", message, StringComparison.Ordinal);
        var entry = Assert.Single(data.LeftOut);
        Assert.Equal((LeftOutKind.Box, 1L), (entry.Kind, entry.Count));
    }

    [Fact]
    public void Class_ThatTheFileLacks_AllowedUnlessItSeemsMisspelt()
    {
        _folder.Write("images/a.png", Png());
        const string Json =
            """{ "images": [{ "id": 1, "file_name": "a.png" }], "categories": [{ "id": 4, "name": "cat" }], "annotations": [{ "id": 1, "image_id": 1, "category_id": 4, "bbox": [1, 2, 3, 4] }] }""";
        var data = Read(Json, new("", "") { Classes = ["zebra", "cat"] });
        Assert.Equal([5L, 4], data.Info.CategoryIds!);
        Assert.Equal([1], data.Get(0).Truth.Boxes!.Labels);
        Assert.Equal((LeftOutKind.Class, "classes that the annotations lack"), (data.LeftOut[0].Kind, data.LeftOut[0].Reason));
        Assert.Contains(
            "none of the classes zebra",
            Error(() => Read(Json, new("", "") { Classes = ["zebra"] })),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void ImagesThatNoAnnotationNames_AreCounted()
    {
        foreach (var name in (string[])["a.png", "b.png", "c.PNG"])
            _folder.Write("images/" + name, Png());
        _folder.Write("images/d.webm", [1]);
        var data = Read(
            """{ "images": [{ "id": 1, "file_name": "a.png" }], "categories": [{ "id": 4, "name": "cat" }], "annotations": [{ "id": 1, "image_id": 1, "category_id": 4, "bbox": [1, 2, 3, 4] }] }"""
        );
        Assert.Equal(
            [("images that no annotation names", 2), ("video files, which can't be read", 1)],
            data.LeftOut.Select(entry => (entry.Reason, (int)entry.Count))
        );
    }

    /// <summary>The photograph is stored 40 wide and 24 high, and shown turned, 24 wide and 40 high.</summary>
    [Theory]
    [InlineData(true, "[2, 30, 10, 8]")]
    [InlineData(false, "[30, 2, 8, 10]")]
    public void SizesMeasured_FollowTheOrientation(bool apply, string box)
    {
        _folder.Write("images/e.jpg", ImageFixture.Bytes("orientation-6.jpg"));
        var json =
            $$"""{ "images": [{ "id": 1, "file_name": "e.jpg" }], "categories": [{ "id": 1, "name": "a" }], "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": {{box}} }] }""";
        var data = Read(json);
        data.Pipeline = [new LoadImage(new LoadImageOptions(ApplyOrientation: apply))];
        Assert.Empty(data.Check());
        Assert.Equal(1, data.Get(0).Truth.Boxes!.Count);
        var other = Read(json);
        other.Pipeline = [new LoadImage(new LoadImageOptions(ApplyOrientation: !apply))];
        Assert.Contains("lies outside its image", Error(() => other.Check()), StringComparison.Ordinal);
    }

    private static byte[] Png() => ImageCodec.EncodePng(new Image(20, 30, 3));

    private CocoDetection Read(string json, CocoDetectionOptions? options = null) =>
        new((options ?? new("", "")) with { Path = Path.Combine(_folder.Path, "images"), Annotations = _folder.Write("a.json", json) });

    private static string Error(Func<object> make) => Assert.Throws<UserErrorException>(make).Message;
}
