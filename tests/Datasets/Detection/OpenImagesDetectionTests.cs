using System.Globalization;
using System.Text.Json;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Detection;

/// <summary>Open Images' CSV files, hierarchy and verified labels.</summary>
public sealed class OpenImagesDetectionTests : IDisposable
{
    private const string Header =
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n";
    private const string Classes = "/m/animal,Animal\n/m/dog,Dog\n/m/tree,\"Tree, any\"\n/m/leaf,Leaf\n";
    private const string Hierarchy = """
        { "LabelName": "/m/0bl9f", "Subcategory": [ { "LabelName": "/m/animal", "Subcategory": [{ "LabelName": "/m/dog" }] },
          { "LabelName": "/m/tree", "Part": [{ "LabelName": "/m/leaf" }] } ] }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private OpenImagesDetection Read(
        string boxes,
        Func<OpenImagesDetectionOptions, OpenImagesDetectionOptions>? with = null,
        string classes = Classes,
        string hierarchy = Hierarchy
    )
    {
        _folder.Write("train/a1.jpg", ImageCodec.EncodePng(new Image(50, 80, 3)));
        _folder.Write("train/b2.jpg", ImageCodec.EncodeJpeg(new Image(40, 200, 3)));
        var options = new OpenImagesDetectionOptions(
            System.IO.Path.Combine(_folder.Path, "train"),
            _folder.Write("boxes.csv", boxes),
            _folder.Write("classes.csv", classes),
            _folder.Write("hierarchy.json", hierarchy)
        );
        return new OpenImagesDetection(with?.Invoke(options) ?? options);
    }

    [Fact]
    public void Read_FractionsBecomePixels_GroupsAreKnown()
    {
        var data = Read(
            Header
                + "b2,xclick,/m/dog,1,0.25,0.5,0.1,0.6,0,1,0,0,0\n"
                + "a1,xclick,/m/tree,1,0,1,0.2,1,0,0,1,0,0\n"
                + "b2,activemil,/m/animal,1,0.5,1,0,0.5,-1,-1,-1,-1,-1\n"
        );
        Assert.Equal(["Animal", "Dog", "Tree, any", "Leaf"], data.Info.Classes);
        Assert.Equal(
            [
                [],
                [0],
                [],
                [],
            ],
            data.Info.Ancestors!
        );
        Assert.Equal(2, data.Count);
        var first = data.Get(0);
        Assert.EndsWith("b2.jpg", first.Name, StringComparison.Ordinal);
        Assert.Equal([50, 4, 100, 24, 100, 0, 200, 20], first.Truth.Boxes!.Corners);
        Assert.Equal([1, 0], first.Truth.Boxes.Labels);
        Assert.Empty(first.Truth.BoxAnnotation!.VerifiedLabels!);
        var group = data.Get(1).Truth;
        Assert.Equal([false], group.Boxes!.Ignored); // trained on
        Assert.Equal([true], group.BoxAnnotation!.Crowd);
        Assert.Equal([0, 10, 80, 40], group.BoxAnnotation.Boxes);
        Assert.Equal([2], data.LabelsOf(1)!);
        Assert.Empty(data.Check());

        const string one = Header + "a1,x,/m/tree,1,0,1,0,1,0,0,1,0,0\na1,x,/m/dog,1,0,1,0,1,0,0,0,0,0\n";
        var ignored = Read(one, options => options with { GroupOf = MarkedObjects.Ignore }).Get(0).Truth;
        Assert.Equal([true, false], ignored.Boxes!.Ignored);
        Assert.Equal([true, false], ignored.BoxAnnotation!.Crowd);
        Assert.Equal(1, Read(one, options => options with { GroupOf = MarkedObjects.Drop }).Get(0).Truth.BoxAnnotation!.Count);
    }

    [Fact]
    public void ImageLabels_AreThoseLookedFor_AndExpandAlongTheHierarchy()
    {
        var labels = _folder.Write(
            "labels.csv",
            "ImageID,Source,LabelName,Confidence\na1,verification,/m/dog,1\nb2,verification,/m/animal,0\nother,verification,/m/dog,1\na1,v,/m/zzz,1\n"
        );
        const string boxes = Header + "a1,x,/m/tree,1,0,1,0,1,0,0,0,0,0\nb2,x,/m/tree,1,0,1,0,1,0,0,0,0,0\n";
        var data = Read(boxes, options => options with { ImageLabels = labels });
        Assert.Equal([1], data.Get(0).Truth.BoxAnnotation!.VerifiedLabels!);
        Assert.Equal([0], data.Get(1).Truth.BoxAnnotation!.VerifiedLabels!);
        Assert.Contains("1 verified labels are of no class", Assert.Single(data.Check()), StringComparison.Ordinal);
        var expanded = Read(boxes, options => options with { ImageLabels = labels, ExpandImageLabels = true });
        Assert.Equal([0, 1], expanded.Get(0).Truth.BoxAnnotation!.VerifiedLabels!); // a dog is an animal
        Assert.Equal([0, 1], expanded.Get(1).Truth.BoxAnnotation!.VerifiedLabels!); // without animals there is no dog
        Assert.Contains(
            "expand_image_labels needs",
            Assert.Throws<UserErrorException>(() => Read(boxes, options => options with { ExpandImageLabels = true })).Message
        );
    }

    /// <summary>As MMDetection reads it (tests/Fixtures/metrics/make_open_images.py): also where a class lies in the tree twice.</summary>
    [Fact]
    public void Hierarchy_IsMMDetections()
    {
        var fixture = FixtureFile.Json("metrics", "open-images.json");
        var labels = fixture.GetProperty("labels").EnumerateArray().Select(label => label.GetString()!).ToArray();
        var data = Read(
            Header + $"a1,x,{labels[0]},1,0,1,0,1,0,0,0,0,0\n",
            classes: "LabelName,DisplayName\n" + string.Concat(labels.Select(label => $"{label},{label[3..]}\n")), // V7 has titles
            hierarchy: fixture.GetProperty("hierarchy").GetRawText()
        );
        foreach (var (c, row) in fixture.GetProperty("matrix").EnumerateArray().Index())
            Assert.Equal(
                row.EnumerateArray().Index().Where(cell => cell.Index != c && cell.Item.GetInt32() == 1).Select(cell => cell.Index),
                data.Info.Ancestors![c]
            );
    }

    [Theory]
    [InlineData("ImageID,LabelName,XMin,XMax,YMin\n", @"boxes\.csv:1  the first row has no column ""YMax""")]
    [InlineData(Header + "a1,x,/m/dog,1,0,1,0,1,0,0,0,0\n", @"boxes\.csv:2  12 fields; the first row names 13")]
    [InlineData(Header + "\n../a1,x,/m/dog,1,0,1,0,1,0,0,0,0,0\n", @"boxes\.csv:3  ImageID is ""\.\./a1""")]
    [InlineData(Header + "a1,x,/m/dog,1,0,1,0,1,0,0,yes,0,0\n", @"boxes\.csv:2  IsGroupOf is ""yes""; 0, 1 or -1")]
    [InlineData(Header + "a1,x,/m/dog,1,0,1,0,\"1,0,0,0,0,0\n", @"boxes\.csv:2  a quote is opened")]
    [InlineData("", @"boxes\.csv is empty")]
    [InlineData(Header + "c3,x,/m/dog,1,0,1,0,1,0,0,0,0,0\n", @"boxes\.csv: .*c3\.jpg doesn't exist")]
    [InlineData(
        Header + "a1,x,/m/dig,1,0,1,0,1,0,0,0,0,0\n",
        @"boxes\.csv:2  the label ""/m/dig"" is none of those in .*Did you mean ""/m/dog"""
    )]
    [InlineData(Header + "a1,x,/m/dog,1,0,1,0,x,0,0,0,0,0\n", @"boxes\.csv:2: the box .* no number")]
    [InlineData(Header + "a1,x,/m/dog,1,1.5,2,0,1,0,0,0,0,0\n", @"boxes\.csv:2: the box .* lies outside its image of 80 x 50")]
    public void DamagedBoxes_SayWhatIsWrongAndWhere(string boxes, string said) =>
        Assert.Matches(
            said,
            Assert
                .Throws<UserErrorException>(() =>
                    Read(boxes, options => options with { OnBadBox = BadData.Error, OnUnknownClass = BadData.Error }).Check()
                )
                .Message
        );

    [Theory]
    [InlineData("/m/dog\n", Hierarchy, @"classes\.csv:1  1 fields; a label and a name")]
    [InlineData("/m/dog,Dog\n/m/dog,Cat\n", Hierarchy, @"classes\.csv:2  the label /m/dog comes twice")]
    [InlineData("/m/dog,Dog\n/m/cat,Dog\n", """{ "Subcategory": [] }""", "class names hold one twice")]
    [InlineData("/m/dog,\n", Hierarchy, @"classes\.csv:1  the name is empty")]
    [InlineData("", Hierarchy, @"classes\.csv is empty")]
    [InlineData(Classes, "{ \"Subcategory\": [{ \"LabelName\": \"/m/dig\" }] }", @"hierarchy\.json: the label ""/m/dig"" is none")]
    [InlineData(Classes, "{ \"Subcategory\": [{ }] }", @"an entry of ""Subcategory"" has no ""LabelName""")]
    [InlineData(Classes, "{ \"Subcategory\": 1 }", @"a ""Subcategory"" must be an array")]
    [InlineData(Classes, "[]", "an object with \"LabelName\" and \"Subcategory\"")]
    [InlineData(Classes, "{\n\"Subcategory\": ]", @"hierarchy\.json:2  not JSON")]
    public void DamagedClassesAndHierarchy_SayWhatIsWrong(string classes, string hierarchy, string said) =>
        Assert.Matches(
            said,
            Assert
                .Throws<UserErrorException>(() => Read(Header + "a1,x,/m/dog,1,0,1,0,1,0,0,0,0,0\n", null, classes, hierarchy).Check())
                .Message
        );

    [Fact]
    public void DamagedImageLabels_SayWhatIsWrong()
    {
        Assert.Matches(@"labels\.csv:2  Confidence is ""x""", Fault("ImageID,Source,LabelName,Confidence\na1,v,/m/dog,x\n"));
        Assert.Matches(@"labels\.csv:1  the first row has no column ""Confidence""", Fault("ImageID,Source,LabelName,Confident\n"));

        string Fault(string text) =>
            Assert
                .Throws<UserErrorException>(() =>
                    Read(
                        Header + "a1,x,/m/dog,1,0,1,0,1,0,0,0,0,0\n",
                        options => options with { ImageLabels = _folder.Write("labels.csv", text) }
                    )
                )
                .Message;
    }

    /// <summary>A thousand images are enough for their sizes to be remembered; an image that changes is read again.</summary>
    [Fact]
    public void Sizes_OfManyImages_AreThoseOfTheFiles()
    {
        var rows = new System.Text.StringBuilder(Header);
        var (wide, high) = (ImageCodec.EncodePng(new Image(10, 30, 3)), ImageCodec.EncodePng(new Image(30, 10, 3)));
        for (var i = 0; i < 1200; i++)
        {
            _folder.Write(string.Create(CultureInfo.InvariantCulture, $"train/i{i}.jpg"), i % 2 == 0 ? wide : high);
            rows.Append(CultureInfo.InvariantCulture, $"i{i},x,/m/dog,1,0,0.5,0,0.5,0,0,0,0,0\n");
        }
        for (var pass = 0; pass < 2; pass++)
        {
            var data = Read(rows.ToString());
            Assert.Equal([0, 0, 15, 5], data.Get(0).Truth.BoxAnnotation!.Boxes);
            Assert.Equal([0, 0, 5, 15], data.Get(1199).Truth.BoxAnnotation!.Boxes);
        }
        _folder.Write("train/i0.jpg", ImageCodec.EncodePng(new Image(100, 100, 3)));
        Assert.Equal([0, 0, 50, 50], Read(rows.ToString()).Get(0).Truth.BoxAnnotation!.Boxes);
    }

    /// <summary>EXIF turns the picture: fractions are of what is shown.</summary>
    [Fact]
    public void FilesWithoutSize_AreNoBoxes()
    {
        _folder.Write("train/broken.jpg", "no image");
        var data = Read(Header + "broken,x,/m/dog,1,0,1,0,1,0,0,0,0,0\na1,x,/m/dog,1,0,1,0,1,0,0,0,0,0\n");
        Assert.Equal(0, data.Get(0).Truth.BoxAnnotation!.Count);
        Assert.Contains("no number", Assert.Single(data.Check()), StringComparison.Ordinal);
    }
}
