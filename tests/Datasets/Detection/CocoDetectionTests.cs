using System.Globalization;
using System.Text;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Detection;

public sealed class CocoDetectionTests : IDisposable
{
    private const string Categories = """[{ "id": 90, "name": "dog" }, { "id": 3, "name": "cat" }, { "id": 7, "name": "cow" }]""";
    private const string Images =
        """[{ "id": 12, "file_name": "b.png", "height": 60, "width": 80 }, { "id": 5, "file_name": "in/a.png", "height": 60, "width": 80 }]""";

    private readonly TemporaryFolder _folder = new();

    public CocoDetectionTests()
    {
        foreach (var name in (string[])["images/b.png", "images/in/a.png"])
            _folder.Write(name, ImageCodec.EncodePng(new Image(60, 80, 3)));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_AnyOrderGapsCrowdsAndAreas()
    {
        var data = Read(
            $$"""
            { "annotations": [
                { "id": 70, "image_id": 5, "category_id": 90, "bbox": [10, 20, 30.5, 8], "area": 99.25, "iscrowd": 0, "segmentation": [[1, 2, [3]]] },
                { "id": 2, "image_id": 12, "category_id": 3, "bbox": [0, 0, 80, 60], "iscrowd": 1, "segmentation": { "counts": "abc", "size": [60, 80] } },
                { "id": 9, "image_id": 5, "category_id": 7, "bbox": [-5, 50, 20, 20], "area": 1, "ignore": 1 } ],
              "categories": {{Categories}}, "info": { "year": 2017, "a": [[], {}] }, "images": {{Images}} }
            """
        );
        Assert.Equal(["cat", "cow", "dog"], data.Info.Classes); // by rising id
        Assert.Equal([3L, 7, 90], data.Info.CategoryIds!);
        Assert.Equal(DataTask.Detection, data.Info.Task);
        Assert.Equal(2, data.Count);

        var first = data.Get(0);
        Assert.Equal((12L, 0L), (first.ImageId, first.Index));
        Assert.Equal((60, 80), first.Truth.BoxAnnotation!.ImageSize);
        Assert.Equal([true], first.Truth.Boxes!.Ignored);
        Assert.Equal([true], first.Truth.BoxAnnotation!.Crowd);
        Assert.Equal([80.0 * 60], first.Truth.BoxAnnotation.Areas); // no area of its own
        var second = data.Get(1);
        Assert.Equal(5, second.ImageId);
        Assert.EndsWith("in/a.png", second.Name, StringComparison.Ordinal);
        Assert.Equal([2, 1], second.Truth.Boxes!.Labels);
        Assert.Equal([10, 20, 40.5f, 28, 0, 50, 15, 60], second.Truth.Boxes.Corners); // the second is clipped
        Assert.Equal([10, 20, 30.5, 8, -5, 50, 20, 20], second.Truth.BoxAnnotation!.Boxes); // as annotated
        Assert.Equal([99.25, 1], second.Truth.BoxAnnotation.Areas);
        Assert.Equal([false, true], second.Truth.BoxAnnotation.Ignored);
        Assert.Equal([1, 2], data.LabelsOf(1)!);
        Assert.Contains(
            "1 box reaches beyond its image and is clipped to it. The first",
            Assert.Single(data.Check()),
            StringComparison.Ordinal
        );
        Assert.Equal(4, ImageCodec.Decode(second.ReadFile!(), second.Name).Channels + 1);
    }

    [Fact]
    public void Classes_ChooseAndOrder_OthersAreCounted()
    {
        var data = Read(
            Whole(
                """{ "id": 1, "image_id": 5, "category_id": 3, "bbox": [1, 1, 5, 5] }, { "id": 2, "image_id": 5, "category_id": 90, "bbox": [1, 1, 5, 5] }, { "id": 3, "image_id": 5, "category_id": 7, "bbox": [1, 1, 5, 5] }"""
            ),
            new("", "") { Classes = ["dog", "cat"] }
        );
        Assert.Equal(["dog", "cat"], data.Info.Classes);
        Assert.Equal([90L, 3], data.Info.CategoryIds!);
        Assert.Equal([1, 0], data.Get(1).Truth.Boxes!.Labels);
        Assert.Contains(data.Check(), note => note.Contains("cow (1)", StringComparison.Ordinal));
        Assert.Contains("Did you mean \"cow\"?", Mistake(Whole(""), new("", "") { Classes = ["cat", "cown"] }), StringComparison.Ordinal);
        Assert.Contains(
            "\"cow\" is none of the classes",
            Fatal(
                Whole("""{ "id": 3, "image_id": 5, "category_id": 7, "bbox": [1, 1, 5, 5] }"""),
                new("", "") { Classes = ["cat"], OnUnknownClass = BadData.Error }
            ),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("[1, 1, 0, 5]", "has no extent")]
    [InlineData("[1, 1, 5, -2]", "has a negative side")]
    [InlineData("[1, 1, 1e999, 2]", "no number")]
    [InlineData("[1, null, 2, 2]", "no number")]
    [InlineData("[1, 2, 3]", "no number")]
    [InlineData("\"none\"", "no number")]
    [InlineData("[80, 1, 5, 5]", "lies outside its image of 80 x 60")]
    [InlineData("[-5, 1, 5, 5]", "lies outside its image of 80 x 60")]
    public void BadBox_SkippedAndCounted_OrFatal(string box, string said)
    {
        var json = Whole(
            $$"""{ "id": 4, "image_id": 5, "category_id": 3, "bbox": {{box}} }, { "id": 6, "image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 4] }"""
        );
        var data = Read(json);
        Assert.Equal([1, 2, 4, 6], data.Get(1).Truth.Boxes!.Corners);
        Assert.Equal(1, data.Get(1).Truth.BoxAnnotation!.Count);
        Assert.Equal(2, ((DetectionDataset)data).Annotated(1).Count); // for statistics
        var note = Assert.Single(data.Check());
        Assert.StartsWith("1 box can't be used and is skipped (on_bad_box)", note, StringComparison.Ordinal);
        Assert.Contains("annotation 4 of in/a.png", note, StringComparison.Ordinal);
        Assert.Contains(said, note, StringComparison.Ordinal);
        Assert.Contains(said, Fatal(json, new("", "") { OnBadBox = BadData.Error }), StringComparison.Ordinal);
    }

    [Fact]
    public void Iscrowd_AsText_MeansWhatItSays()
    {
        var data = Read(
            Whole(
                """
                { "id": 1, "image_id": 5, "category_id": 3, "bbox": [1, 1, 5, 5], "iscrowd": "0" }, { "id": 2, "image_id": 5, "category_id": 3, "bbox": [1, 1, 5, 5], "iscrowd": "1" },
                { "id": 3, "image_id": 5, "category_id": 3, "bbox": [1, 1, 5, 5], "ignore": "true" }, { "id": 4, "image_id": 5, "category_id": 3, "bbox": [1, 1, 5, 5], "iscrowd": null }
                """
            )
        );
        Assert.Equal([false, true, false, false], data.Get(1).Truth.BoxAnnotation!.Crowd);
        Assert.Equal([false, true, true, false], data.Get(1).Truth.BoxAnnotation!.Ignored);
        Assert.Contains(
            "\"iscrowd\" is \"maybe\"; 0 or 1 was expected.",
            Assert
                .Throws<UserErrorException>(() =>
                    Read(Whole("""{ "id": 1, "image_id": 5, "category_id": 3, "bbox": [1, 1, 5, 5], "iscrowd": "maybe" }"""))
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void BoxesThatNothingCanMatch_AreForMeasuresOnly()
    {
        var annotation = Read(
                Whole(
                    """
                    { "id": 1, "image_id": 5, "category_id": 3, "bbox": [1, 1, 0, 5], "area": 0 }, { "id": 2, "image_id": 5, "category_id": 3, "bbox": [90, 1, 5, 5] },
                    { "id": 3, "image_id": 5, "category_id": 3, "bbox": [1, null, 2, 2] }, { "id": 4, "image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 4] }
                    """
                )
            )
            .Get(1)
            .Truth.BoxAnnotation!;
        Assert.Equal([1, 2, 3, 4], annotation.Boxes);
        Assert.Equal([1, 1, 0, 5, 90, 1, 5, 5], annotation.Unusable!.Boxes);
        Assert.Equal([1, 2, 3, 4, 1, 1, 0, 5, 90, 1, 5, 5], annotation.WithUnusable().Boxes);
        Assert.Equal([12, 0, 25], annotation.WithUnusable().Areas);
    }

    [Fact]
    public void Images_WithoutBoxes_OrWithThousands()
    {
        var many = string.Join(
            ", ",
            Enumerable
                .Range(0, 5000)
                .Select(i => $$"""{ "id": {{i}}, "image_id": 12, "category_id": 3, "bbox": [{{i % 70}}, {{i % 50}}, 4, 5] }""")
        );
        var data = Read(Whole(many)); // longer than the reader's buffer
        Assert.Equal((5000, 0), (data.Get(0).Truth.Boxes!.Count, data.Get(1).Truth.Boxes!.Count));
        Assert.Equal([4999 % 70, 4999 % 50, 4999 % 70 + 4, 4999 % 50 + 5], data.Get(0).Truth.Boxes!.Corners[^4..]);
        Assert.Equal(1, Read(Whole(many), new("", "") { FilterEmpty = true }).Count);
        Assert.Contains("none of the 2 images has a box", Assert.Single(Read(Whole("")).Check()), StringComparison.Ordinal);
        Assert.Contains("no image with a box is left", Mistake(Whole(""), new("", "") { FilterEmpty = true }), StringComparison.Ordinal);
    }

    [Fact]
    public void MissingImages_FatalUnlessSkipped()
    {
        var json =
            $$"""{ "images": [{ "id": 1, "file_name": "gone.png" }, { "id": 2, "file_name": "b.png" }], "categories": {{Categories}}, "annotations": [{ "id": 8, "image_id": 77, "category_id": 3, "bbox": [1, 1, 2, 2] }] }""";
        var fatal = Fatal(json, new("", ""));
        Assert.Contains("gone.png doesn't exist", fatal, StringComparison.Ordinal);
        Assert.Contains("annotation 8 is of image 77, which the file doesn't list", fatal, StringComparison.Ordinal);
        Assert.Contains("\"on_missing_image\": \"skip\" leaves them out.", fatal, StringComparison.Ordinal);
        var data = Read(json, new("", "") { OnMissingImage = BadData.Skip });
        Assert.Equal(2, data.Get(0).ImageId);
        Assert.Contains("2 annotations name missing images and are skipped (on_missing_image)", data.Check()[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Duplicates_FatalUnlessSkipped_TheFirstStays()
    {
        var json = $$"""
            { "images": [{ "id": 1, "file_name": "b.png" }, { "id": 1, "file_name": "in/a.png" }], "categories": [{ "id": 1, "name": "a" }, { "id": 1, "name": "b" }, { "id": 2, "name": "a" }],
              "annotations": [{ "id": 8, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2] }, { "id": 8, "image_id": 1, "category_id": 1, "bbox": [3, 3, 2, 2] }] }
            """;
        var fatal = Fatal(json, new("", ""));
        Assert.Contains("image id 1 comes twice: b.png, then in/a.png", fatal, StringComparison.Ordinal);
        Assert.Contains("annotation id 8 comes twice", fatal, StringComparison.Ordinal);
        Assert.Contains("category id 1 comes twice: a, then b", fatal, StringComparison.Ordinal);
        var data = Read(json, new("", "") { OnDuplicate = BadData.Skip });
        Assert.Equal(["a"], data.Info.Classes);
        Assert.Equal([1, 1, 3, 3], Assert.Single(Enumerable.Range(0, data.Count).Select(data.Get)).Truth.Boxes!.Corners);
        Assert.StartsWith("4 duplicates are skipped", data.Check()[0], StringComparison.Ordinal);
    }

    [Fact]
    public void UnknownCategory_IsNeverALabel()
    {
        var json = Whole("""{ "id": 4, "image_id": 5, "category_id": 4, "bbox": [1, 2, 3, 4] }""");
        Assert.Equal(0, Read(json).Get(1).Truth.Boxes!.Count);
        Assert.Contains(
            "annotation 4 is of category 4, which the file doesn't list",
            Fatal(json, new("", "") { OnUnknownClass = BadData.Error }),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("{\n \"images\": [\n  { \"id\": 1 \"x\" }", ":3  not JSON")]
    [InlineData("{\n \"images\": [\n", ":3  not JSON")]
    [InlineData("{ \"images\": [],\n \"annotations\": [{ \"bbox\": [NaN] }]", "neither NaN nor Infinity")]
    [InlineData("{ \"images\": [{ \"id\": 1 }], \"categories\": [] }", "image 1 has no \"file_name\"")]
    [InlineData(
        "{ \"images\":\n [{ \"id\": \"one\" }], \"categories\": [] }",
        ":2  images[0]: an image's \"id\" must be a whole number; it is \"one\"."
    )]
    [InlineData(
        "{ \"annotations\": [{ \"image_id\": 1, \"category_id\": 1 }, { \"id\": [] }] }",
        ":1  annotations[1]: an annotation's \"id\" must"
    )]
    [InlineData("{ \"annotations\": [{ \"image_id\": 1, \"category_id\": 1 }, { \"id\": x }] }", ":1  not JSON (annotations[1]): ")]
    [InlineData("{ \"images\": [{ \"id\": 1, \"file_name\": \"a\" }], \"categories\": 1 }", ":1  \"categories\" must be an array")]
    [InlineData("{ \"images\": [{ \"id\": 1, \"file_name\": \"../a.png\" }], \"categories\": [] }", "leads out of the images' folder")]
    [InlineData("{ \"images\": {}, \"categories\": [] }", "\"images\" must be an array")]
    [InlineData("{ \"images\": [1], \"categories\": [] }", "an entry of \"images\" must be an object")]
    [InlineData("{ \"images\": [], \"categories\": [] , \"annotations\": [{ \"id\": 3 }] }", "annotation 3 has no \"image_id\"")]
    [InlineData("{ \"images\": [] }", "has no \"categories\"")]
    [InlineData("[{ \"image_id\": 1 }]", "is it a file of results?")]
    [InlineData("", ":1  not JSON")]
    [InlineData("{ \"images\": [], \"categories\": [{ \"id\": 1, \"name\": \"a\" }], \"annotations\": [] }", "no image is left")]
    [InlineData("{ \"images\": [], \"categories\": [] }", "no object has a class")]
    public void Broken_OneMessageWithItsLine(string json, string said) =>
        Assert.Contains(said, Mistake(json, new("", "")), StringComparison.Ordinal);

    [Fact]
    public void Read_IdsAsText_AreNumbersAndTold()
    {
        var path = _folder.Write(
            "text.json",
            """
            { "images": [{ "id": "7", "file_name": "a.png", "height": 10, "width": 10 }], "categories": [{ "id": "2", "name": "a" }],
              "annotations": [{ "id": "1", "image_id": "7", "category_id": "2", "bbox": [1, 2, 3, 4] }] }
            """
        );
        var findings = new Findings(_ => BadData.Error);
        var set = CocoFile.Read(path, findings);
        Assert.Equal((7, 2), (set.Images[0].Id!.Value, (int)set.CategoryIds![0]));
        Assert.Equal(2, Assert.Single(set.Images[0].Objects).Y);
        Assert.Contains(findings.Report(), note => note.Contains("5 numbers are written as text", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    [InlineData("utf-32")]
    public void Read_AnotherEncoding_IsNamed(string encoding)
    {
        var path = _folder.Write(
            "other.json",
            Encoding.GetEncoding(encoding).GetPreamble().Concat(Encoding.GetEncoding(encoding).GetBytes("{ \"images\": [] }")).ToArray()
        );
        Assert.Contains(
            "is written in UTF-16 or UTF-32; JSON is UTF-8",
            Assert.Throws<UserErrorException>(() => CocoFile.Read(path, new Findings(_ => BadData.Error))).Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>Wherever the buffer ends, the same is read; and a file cut off anywhere is a mistake, never a crash.</summary>
    [Fact]
    public void Read_AcrossBuffersAndCutOff()
    {
        var text = new StringBuilder("\uFEFF{ \"categories\": [{ \"id\": 1, \"name\": \"\\u00e9t\\u00e9\" }], \"images\": [");
        for (var i = 0; i < 3000; i++)
            text.Append(
                CultureInfo.InvariantCulture,
                $"{(i > 0 ? "," : "")}\n{{ \"file_name\": \"dossier-é/{i}.png\", \"id\": {i}, \"height\": 10, \"width\": 10 }}"
            );
        text.Append("], \"annotations\": [");
        for (var i = 0; i < 3000; i++)
            text.Append(
                CultureInfo.InvariantCulture,
                $"{(i > 0 ? "," : "")}{{ \"segmentation\": [[{string.Join(',', Enumerable.Range(0, i % 50))}]], \"id\": {i}, "
                    + $"\"image_id\": {2999 - i}, \"category_id\": 1, \"bbox\": [{i}.125, 1, 2, 3] }}"
            );
        text.Append("] }");
        var whole = Encoding.UTF8.GetBytes(text.ToString());
        var path = _folder.Write("large.json", whole);
        var set = CocoFile.Read(path, new Findings(_ => BadData.Error));
        Assert.Equal("été", set.Names[0]);
        Assert.All(
            set.Images,
            (image, i) =>
            {
                Assert.Equal($"dossier-é/{i}.png", image.File);
                Assert.Equal(2999 - i + 0.125, Assert.Single(image.Objects).X);
            }
        );
        for (var cut = whole.Length - 1; cut > 0; cut -= 7919)
        {
            File.WriteAllBytes(path, whole[..cut]);
            Assert.Contains(
                "large.json",
                Assert.Throws<UserErrorException>(() => CocoFile.Read(path, new Findings(_ => BadData.Skip))).Message,
                StringComparison.Ordinal
            );
        }
    }

    [Theory]
    [InlineData("0,1,2", true)]
    [InlineData("0,1,3", false)] // 3 is the last: 0 is something else
    [InlineData("1,2", false)]
    public void Categories_OneTooLow_AreTold(string used, bool told)
    {
        var annotations = used.Split(',')
            .Select((id, i) => $$"""{ "id": {{i + 1}}, "image_id": 5, "category_id": {{id}}, "bbox": [1, 2, 30, 40] }""");
        const string Named = """[{ "id": 1, "name": "a" }, { "id": 2, "name": "b" }, { "id": 3, "name": "c" }]""";
        var notes = Read($$"""{ "images": {{Images}}, "annotations": [{{string.Join(',', annotations)}}], "categories": {{Named}} }""")
            .Check();
        Assert.Equal(
            told,
            notes.Any(note => note.Contains("category_id seems to count from 0, the categories from 1", StringComparison.Ordinal))
        );
    }

    private static string Whole(string annotations) =>
        $$"""{ "images": {{Images}}, "annotations": [{{annotations}}], "categories": {{Categories}} }""";

    private CocoDetection Read(string json, CocoDetectionOptions? options = null) =>
        new((options ?? new("", "")) with { Path = Path.Combine(_folder.Path, "images"), Annotations = _folder.Write("a.json", json) });

    private string Mistake(string json, CocoDetectionOptions options) =>
        Assert.Throws<UserErrorException>(() => Read(json, options)).Message;

    private string Fatal(string json, CocoDetectionOptions options)
    {
        var data = Read(json, options);
        return Assert.Throws<UserErrorException>(() => data.Check()).Message;
    }
}
