using Tessera.Datasets;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Detection;

public sealed class VocDetectionTests : IDisposable
{
    private const string Size = "<size><width>80</width><height>60</height><depth>3</depth></size>";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_MarksPartsAndMissingElements()
    {
        Add(
            "a",
            Size
                + Object("dog", "<difficult>1</difficult>")
                + Object(
                    "cat",
                    "<truncated>1</truncated><part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
                )
                + "<object><bndbox><ymin>4.5</ymin><xmin>3</xmin><ymax>9.5</ymax><xmax>6</xmax></bndbox><name> cow </name></object>"
        );
        Add("b", ""); // neither size nor objects
        var data = Read(new(""));
        Assert.Equal(["cat", "cow", "dog"], data.Info.Classes); // no part's name
        var sample = data.Get(0);
        Assert.Equal([2, 0, 1], sample.Truth.Boxes!.Labels);
        Assert.Equal([true, false, false], sample.Truth.Boxes.Ignored);
        Assert.Equal([10, 19, 29, 39, 10, 19, 29, 39, 2, 3.5f, 5, 8.5f], sample.Truth.Boxes.Corners); // 1 less, all four
        Assert.Equal([10, 19, 19, 20], sample.Truth.BoxAnnotation!.Boxes[..4]);
        Assert.Null(sample.ImageId);
        Assert.Equal(0, data.Get(1).Truth.Boxes!.Count);
        Assert.Empty(data.Check());

        Assert.Equal([11, 20, 30, 40], Read(new("", OneBased: false)).Get(0).Truth.Boxes!.Corners[..4]);
        Assert.Equal(
            [false, true, false],
            Read(new("", Difficult: MarkedObjects.Keep, Truncated: MarkedObjects.Ignore)).Get(0).Truth.Boxes!.Ignored
        );
        Assert.Equal([0, 1], Read(new("", Difficult: MarkedObjects.Drop)).Get(0).Truth.Boxes!.Labels);
        Assert.Equal(1, Read(new("") { FilterEmpty = true }).Count);
        Assert.Equal([0], Read(new("") { Classes = ["dog"] }).Get(0).Truth.Boxes!.Labels);
    }

    [Theory]
    [InlineData("<xmin>nan</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax>", "the box's <xmin> is \"nan\", which is no number.")]
    [InlineData(
        "<xmin>1</xmin><ymin>1,5</ymin><xmax>5</xmax><ymax>5</ymax>",
        "\"1,5\", which is no number: decimals stand behind a point, as in \"1.5\""
    )]
    [InlineData("<xmin>1</xmin><ymin>1</ymin><xmax>5</xmax>", "the box's <ymax> is missing.")]
    [InlineData("<xmin>9</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax>", "negative side")]
    [InlineData("<xmin>5</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax>", "no extent")]
    [InlineData("<xmin>500</xmin><ymin>1</ymin><xmax>505</xmax><ymax>5</ymax>", "outside its image of 80 x 60")]
    public void BadBox_WithItsLine(string corners, string said)
    {
        Add("a", $"\n{Object("cat")}\n<object><name>cat</name>\n<bndbox>{corners}</bndbox></object>"); // the size comes from the image
        var note = Assert.Single(Read(new("")).Check());
        Assert.Contains("a.xml:4", note, StringComparison.Ordinal);
        Assert.Contains(said, note, StringComparison.Ordinal);
        Assert.Equal(1, Read(new("")).Get(0).Truth.Boxes!.Count);
        var strict = Read(new("") { OnBadBox = BadData.Error });
        Assert.Contains(said, Assert.Throws<UserErrorException>(() => strict.Check()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<annotation>\n<object></annotation>", "a.xml:2  not XML")]
    [InlineData(
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><annotation>&e;</annotation>",
        "a.xml:1  a document type (<!DOCTYPE …>) may not stand in the file"
    )]
    [InlineData("<html/>", "<annotation> was expected, not <html>")]
    [InlineData(null, "a.xml doesn't exist")]
    public void BrokenFile_FatalUnlessSkipped(string? xml, string said)
    {
        Add("b", Size + Object("cat"));
        Add("a", "");
        if (xml is null)
            File.Delete(Path.Combine(_folder.Path, "Annotations/a.xml"));
        else
            _folder.Write("Annotations/a.xml", xml);
        var strict = Read(new(""));
        Assert.Contains(said, Assert.Throws<UserErrorException>(() => strict.Check()).Message, StringComparison.Ordinal);
        var data = Read(new("", OnBadFile: BadData.Skip));
        Assert.Equal(1, data.Count);
        Assert.Contains(said, Assert.Single(data.Check()), StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_DuplicatesMissingImagesAndSplits()
    {
        Add("a", Size + Object("cat"));
        Add("b", Size + Object("hog"));
        _folder.Write("ImageSets/Main/train.txt", "a\na\nb\ngone\n");
        _folder.Write("Annotations/gone.xml", "<annotation/>");
        _folder.Write("ImageSets/Main/cat_train.txt", "a  1\r\nb -1\r\n");
        var strict = Read(new(""));
        var fatal = Assert.Throws<UserErrorException>(() => strict.Check()).Message;
        Assert.Contains("train.txt:2  a comes twice", fatal, StringComparison.Ordinal);
        Assert.Contains("gone.jpg doesn't exist", fatal, StringComparison.Ordinal);
        var data = Read(
            new("")
            {
                OnDuplicate = BadData.Skip,
                OnMissingImage = BadData.Skip,
                Classes = ["cat", "dog"],
                OnUnknownClass = BadData.Skip,
            }
        );
        Assert.Equal(2, data.Count);
        Assert.Empty(data.Get(1).Truth.Boxes!.Labels);
        Assert.Contains(
            data.Check(),
            note => note.Contains("\"hog\" is none of the classes. Did you mean \"dog\"?", StringComparison.Ordinal)
        );
        Assert.Equal(1, Read(new("", "cat_train")).Count); // a class's list: -1 is without it
        Assert.Contains(
            "Did you mean \"train\"?",
            Assert.Throws<UserErrorException>(() => Read(new("", "trian"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Concat_JoinsPartsOfTheSameClasses()
    {
        Add("a", Size + Object("cat"));
        Add("b", Size + Object("dog"));
        _folder.Write("ImageSets/Main/val.txt", "b\n");
        string[] classes = ["cat", "dog"];
        var both = new ConcatDataset([Read(new("") { Classes = classes }), Read(new("", "val") { Classes = classes })]);
        Assert.Equal((3, classes), (both.Count, both.Info.Classes));
        Assert.Equal([0L, 1, 2], Enumerable.Range(0, 3).Select(i => both.Get(i).Index));
        Assert.Equal([0, 1, 1], Enumerable.Range(0, 3).Select(i => both.Get(i).Truth.Boxes!.Labels.Single()));
        Assert.Equal([1], both.LabelsOf(2)!);
        Assert.Contains(
            "in one order",
            Assert
                .Throws<UserErrorException>(() =>
                    new ConcatDataset([Read(new("") { Classes = ["cat"] }), Read(new("") { Classes = ["dog"] })])
                )
                .Message,
            StringComparison.Ordinal
        );
        Assert.Throws<ArgumentOutOfRangeException>(() => both.Get(3));
    }

    private VocDetection Read(VocDetectionOptions options) => new(options with { Path = _folder.Path });

    [Theory]
    [InlineData(
        "0.1 0.2 0.3 0.4,0.5 0.5 1 1",
        "all 2 boxes lie within 0 to 1: xmin, ymin, xmax and ymax are written as fractions",
        "xmin 0.1, ymin 0.2"
    )]
    [InlineData(
        "40 30 20 10,5 5 30 20,50 40 12 12,30 9 8 20",
        "ymax less than ymin, in 3 of 4 boxes: do xmax and ymax hold width and height?",
        "xmin 40,"
    )]
    [InlineData(
        "40 30 20 10,30 20 5 5,50 40 12 12,30 29 8 20",
        "in 4 of 4 boxes: are the two corners exchanged",
        "xmin 40, ymin 30, xmax 20, ymax 10"
    )]
    public void Boxes_WrittenInAnotherWay_AreRefusedInTheFilesWords(string boxes, string said, string first)
    {
        Add("a", Size + Objects(boxes));
        var data = Read(new(""));
        var message = Assert.Throws<UserErrorException>(() => data.Check()).Message;
        Assert.Contains(said, message, StringComparison.Ordinal);
        Assert.Contains("a.xml:1, " + first, message, StringComparison.Ordinal);
        Assert.DoesNotContain("width, height]", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Boxes_ThatReachBeyond_AreDoubtedInTheFilesWords()
    {
        Add("a", Size + Objects("10 10 90 90,20 30 95 80,5 5 99 99,1 1 20 30"));
        var notes = Read(new("")).Check();
        Assert.Contains("3 of 4 boxes reach beyond their images", notes[^1], StringComparison.Ordinal);
        Assert.Contains("or are they written in percent (none is above 100)?", notes[^1], StringComparison.Ordinal);
        Assert.Contains("a.xml:1, xmin 10, ymin 10, xmax 90, ymax 90, in an image of 80 x 60", notes[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Boxes_ThatBelongToNoObject_AreTold()
    {
        const string box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>";
        Add("a", Size + Object("cat"));
        Add("b", Size + $"\n<object><name>cat</name>{box}\n{box}</object>");
        Assert.Contains(
            "b.xml:3  a further <bndbox> in one <object>; each box needs an <object> of its own.",
            Assert.Throws<UserErrorException>(() => Read(new("") { OnBadBox = BadData.Error }).Check()).Message,
            StringComparison.Ordinal
        );
        var skipped = Read(new(""));
        Assert.Equal((1, 1L), (skipped.Get(1).Truth.Boxes!.Count, Assert.Single(skipped.LeftOut).Count));
        Add("c", $"{Size}<objects>{Object("dog")}</objects>");
        Assert.Contains(
            "c.xml:1  <object> stands in <objects>; it was expected directly in <annotation>.",
            Assert.Throws<UserErrorException>(() => Read(new("")).Check()).Message,
            StringComparison.Ordinal
        );
    }

    private static string Objects(string boxes) =>
        string.Concat(
            boxes
                .Split(',')
                .Select(box => box.Split(' '))
                .Select(box =>
                    $"<object><name>cat</name><bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax>"
                    + "</bndbox></object>"
                )
        );

    private void Add(string name, string content)
    {
        _folder.Write($"JPEGImages/{name}.png", ImageCodec.EncodePng(new Image(60, 80, 3)));
        _folder.Write($"Annotations/{name}.xml", $"<annotation>{content}</annotation>");
        var list = Path.Combine(_folder.Path, "ImageSets/Main/train.txt");
        _folder.Write("ImageSets/Main/train.txt", (File.Exists(list) ? File.ReadAllText(list) : "") + name + "\n");
    }

    private static string Object(string name, string more = "") =>
        $"<object><name>{name}</name>{more}<bndbox><xmin>11</xmin><ymin>20</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>";
}
