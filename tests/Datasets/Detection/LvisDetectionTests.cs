using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Detection;

/// <summary>LVIS's files, and Objects365's, which share COCO's reader.</summary>
public sealed class LvisDetectionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private const string Categories = """
        [{ "id": 9, "name": "zebra", "frequency": "f", "synset": "zebra.n.01" }, { "id": 2, "name": "aerosol_can", "frequency": "c" },
         { "id": 5, "name": "anklet", "frequency": "r", "synonyms": ["anklet", "ankle_bracelet"] }]
        """;

    private static string File(string images, string annotations = "", string categories = Categories) =>
        $$"""{ "images": [{{images}}], "annotations": [{{annotations}}], "categories": {{categories}} }""";

    private static string Image(int id, string names, string absent = "5", string partly = "") =>
        $$"""{ "id": {{id}}, {{names}}, "height": 60, "width": 80, "neg_category_ids": [{{absent}}], "not_exhaustive_category_ids": [{{partly}}] }""";

    private LvisDetection Read(string json, Func<LvisDetectionOptions, LvisDetectionOptions>? with = null)
    {
        foreach (var name in (string[])["train2017/000000000009.jpg", "val2017/000000000012.jpg"])
            _folder.Write($"coco/{name}", ImageCodec.EncodePng(new Image(60, 80, 3)));
        var options = new LvisDetectionOptions(System.IO.Path.Combine(_folder.Path, "coco"), _folder.Write("lvis.json", json), true);
        return new LvisDetection(with?.Invoke(options) ?? options);
    }

    [Fact]
    public void Read_ImagesOfBothFolders_ClassesLookedForAndIncomplete()
    {
        var data = Read(
            File(
                $"""
                {Image(12, "\"coco_url\": \"http://images.cocodataset.org/val2017/000000000012.jpg\"", "5", "9, 2")},
                {Image(9, "\"coco_url\": \"http://images.cocodataset.org/train2017/000000000009.jpg\"", "2, 9")}
                """,
                """
                { "id": 3, "image_id": 12, "category_id": 9, "bbox": [10, 20, 20, 30], "area": 300, "segmentation": [[10, 20, 30, 20, 30, 50]] },
                { "id": 1, "image_id": 12, "category_id": 2, "bbox": [1, 2, 3, 4], "segmentation": [[1, 2, 4, 2, 4, 6, 1, 6]] }
                """
            )
        );
        Assert.Equal(["aerosol_can", "anklet", "zebra"], data.Info.Classes); // by rising id
        Assert.Equal([2L, 5, 9], data.Info.CategoryIds!);
        Assert.Equal([ClassFrequency.Common, ClassFrequency.Rare, ClassFrequency.Frequent], data.Info.Frequencies!);
        Assert.Empty(data.Check());
        var first = data.Get(0);
        Assert.EndsWith("val2017/000000000012.jpg", first.Name, StringComparison.Ordinal);
        var truth = first.Truth.BoxAnnotation!;
        Assert.Equal([2, 0], truth.Labels);
        Assert.Equal([1], truth.VerifiedLabels!);
        Assert.Equal([2, 0], truth.NotExhaustiveLabels);
        Assert.Equal(4 * 3, truth.Masks![1].Area);
        Assert.Equal([0, 2], data.Get(1).Truth.BoxAnnotation!.VerifiedLabels!);
        Assert.EndsWith("train2017/000000000009.jpg", data.Get(1).Name, StringComparison.Ordinal);
    }

    /// <summary>Some of the classes, in another order: what is known of the others is left out, too.</summary>
    [Fact]
    public void Classes_ChooseAmongAllThatIsSaidOfThem()
    {
        var url = "\"coco_url\": \"http://images.cocodataset.org/train2017/000000000009.jpg\"";
        var data = Read(
            File(Image(9, url, "2, 5", "9, 5"), """{ "id": 1, "image_id": 9, "category_id": 9, "bbox": [1, 2, 3, 4] }"""),
            options => options with { Classes = ["zebra", "anklet"], WithMasks = false }
        );
        Assert.Equal([ClassFrequency.Frequent, ClassFrequency.Rare], data.Info.Frequencies!);
        var truth = data.Get(0).Truth.BoxAnnotation!;
        Assert.Equal([1], truth.VerifiedLabels!);
        Assert.Equal([0, 1], truth.NotExhaustiveLabels);
    }

    /// <summary>v0.5 has names of 2014 in the folders of 2017.</summary>
    [Theory]
    [InlineData("\"file_name\": \"COCO_train2014_000000000009.jpg\"", "train2017")]
    [InlineData("\"file_name\": \"train2017/000000000009.jpg\"", "")]
    [InlineData(
        "\"file_name\": \"COCO_val2014_1.jpg\", \"coco_url\": \"http://images.cocodataset.org/train2017/000000000009.jpg\"",
        "train2017"
    )]
    public void Names_OfBothVersions_AreFound(string names, string below)
    {
        var data = Read(File(Image(9, names)), options => options with { Path = System.IO.Path.Combine(options.Path, below) });
        Assert.EndsWith("train2017/000000000009.jpg", data.Get(0).Name, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedFiles_SayWhatIsWrongAndWhere()
    {
        const string url = "\"coco_url\": \"http://images.cocodataset.org/train2017/000000000009.jpg\"";
        Assert.Contains("CocoDetection reads COCO's", Fault(File(Image(9, url), "", """[{ "id": 2, "name": "can" }]""")));
        Assert.Contains("\"neg_category_ids\"", Fault(File($$"""{ "id": 9, {{url}} }""")));
        Assert.Matches(@"lvis\.json:1  images\[0\]: ""neg_category_ids"" must be an array", Fault(File(Image(9, url).Replace("[5]", "5"))));
        Assert.Matches(@"an entry of ""neg_category_ids"" must be a whole number", Fault(File(Image(9, url, "\"five\""))));
        Assert.Contains("no \"file_name\" and no \"coco_url\"", Fault(File(Image(9, "\"license\": 1"))));
        Assert.Contains("leads out", Fault(File(Image(9, "\"file_name\": \"../9.jpg\""))));
        var gone = Image(9, "\"coco_url\": \"http://images.cocodataset.org/train2017/000000000010.jpg\"");
        Assert.Contains("train2017/000000000010.jpg doesn't exist", Fault(File(gone)));
        var unknown = Read(File(Image(9, url, "77")), options => options with { OnUnknownClass = BadData.Error });
        Assert.Contains(
            "neg_category_ids of image 9 has category 77, which the file doesn't list",
            Assert.Throws<UserErrorException>(() => unknown.Check()).Message
        );

        string Fault(string json) => Assert.Throws<UserErrorException>(() => Read(json).Check()).Message;
    }

    [Fact]
    public void Objects365_NamesOfBothVersions_FakeObjectsAndImagesThatNeverWere()
    {
        foreach (var name in (string[])["patch8/objects365_v2_00000001.jpg", "obj365_val_7.jpg"])
            _folder.Write($"val/{name}", ImageCodec.EncodePng(new Image(60, 80, 3)));
        var annotations = _folder.Write(
            "o365.json",
            """
            { "annotations": [
                { "id": 4, "image_id": 1, "category_id": 365, "bbox": [1, 2, 30, 40], "iscrowd": 0, "isfake": 1, "isreflected": 0 },
                { "id": 2, "image_id": 1, "category_id": 1, "bbox": [5, 5, 10, 10], "iscrowd": 1, "isfake": 0 },
                { "id": 3, "image_id": 2, "category_id": 1, "bbox": [5, 5, 10, 10], "iscrowd": 0, "isfake": 0 } ],
              "images": [ { "id": 1, "file_name": "images/v2/patch8/objects365_v2_00000001.jpg", "height": 60, "width": 80 },
                { "id": 2, "file_name": "obj365_val_7.jpg", "height": 60, "width": 80 },
                { "id": 3, "file_name": "images/v1/patch6/objects365_v1_00320532.jpg", "height": 60, "width": 80 } ],
              "categories": [{ "id": 365, "name": "Table Tennis " }, { "id": 1, "name": "Person" }] }
            """
        );
        var options = new Objects365DetectionOptions(System.IO.Path.Combine(_folder.Path, "val"), annotations);
        var data = new Objects365Detection(options);
        Assert.Equal(["Person", "Table Tennis "], data.Info.Classes);
        Assert.Equal(2, data.Count);
        Assert.Contains(data.Check(), note => note.Contains("images that Objects365's archives lack", StringComparison.Ordinal));
        Assert.EndsWith("patch8/objects365_v2_00000001.jpg", data.Get(0).Name, StringComparison.Ordinal);
        Assert.Equal([false, true], data.Get(0).Truth.Boxes!.Ignored); // the crowd
        Assert.Equal([1, 0], data.Get(0).Truth.Boxes!.Labels); // in the file's order
        Assert.Equal([true, true], new Objects365Detection(options with { Fake = MarkedObjects.Ignore }).Get(0).Truth.Boxes!.Ignored);
        var real = new Objects365Detection(options with { Fake = MarkedObjects.Drop });
        Assert.Equal([0], real.Get(0).Truth.Boxes!.Labels);
        Assert.Contains(real.LeftOut, entry => entry.Reason.Contains("fake", StringComparison.Ordinal) && entry.Count == 1);
    }

    /// <summary>Ids that don't rise are still told where one comes twice, in whichever block of the list they lie.</summary>
    [Fact]
    public void ManyAnnotations_KeepOrderAndDuplicates()
    {
        const int count = 40_000;
        _folder.Write("images/a.jpg", ImageCodec.EncodePng(new Image(60, 80, 3)));
        _folder.Write("images/b.jpg", ImageCodec.EncodePng(new Image(60, 80, 3)));
        string Json(Func<int, int> id) =>
            $$"""
            { "annotations": [{{string.Join(',', Enumerable.Range(0, count).Select(i =>
                $$"""{ "id": {{id(i)}}, "image_id": {{1 + (i % 2)}}, "category_id": 1, "bbox": [{{i % 70}}, 1, 2, 3] }"""))}}],
              "categories": [{ "id": 1, "name": "cat" }],
              "images": [{ "id": 1, "file_name": "a.jpg", "height": 60, "width": 80 }, { "id": 2, "file_name": "b.jpg", "height": 60, "width": 80 }] }
            """;
        CocoDetection Of(Func<int, int> id) =>
            new(new(System.IO.Path.Combine(_folder.Path, "images"), _folder.Write("many.json", Json(id))));
        var falling = Of(i => count - i).Get(1).Truth.BoxAnnotation!;
        Assert.Equal(count / 2, falling.Count);
        Assert.Equal(Enumerable.Range(0, count / 2).Select(i => (double)(((2 * i) + 1) % 70)), falling.Boxes.Where((_, i) => i % 4 == 0));
        Assert.Empty(Of(i => i).Check());
        var twice = Of(i => i == count - 1 ? 7 : i + 100);
        Assert.Contains("id 7", Assert.Throws<UserErrorException>(() => Of(i => i == count - 1 ? 7 : i).Check()).Message);
        Assert.Empty(twice.Check());
    }
}
