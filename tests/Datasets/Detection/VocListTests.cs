using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Segmentation;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Detection;

/// <summary>Lists as people write them, and photographs without annotations.</summary>
public sealed class VocListTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a\r\nmy photo 1\r\n")]
    [InlineData("\uFEFFa\nmy photo 1")]
    [InlineData("a.jpg\nmy photo 1.JPG\n\n")]
    [InlineData("a.xml\n./my photo 1.xml\n")]
    [InlineData("JPEGImages/a.JPG\n  JPEGImages\\my photo 1.JPG \n")]
    [InlineData("/data/VOC/JPEGImages/a.JPG\nmy photo 1  1\nb  -1\n")]
    [InlineData("a\rmy photo 1\r")]
    public void List_WithBlanksEndingsAndMarks(string list)
    {
        foreach (var name in (string[])["a", "my photo 1", "b"])
            Add(name, "cat");
        _folder.Write("ImageSets/Main/train.txt", list);
        var data = new VocDetection(new(_folder.Path));
        Assert.Equal(["a.JPG", "my photo 1.JPG"], Enumerable.Range(0, data.Count).Select(i => Path.GetFileName(data.Get(i).Name)));
        Assert.All(Enumerable.Range(0, 2), i => Assert.Equal(1, data.Get(i).Truth.Boxes!.Count));
        Assert.Equal(list.Contains("-1", StringComparison.Ordinal) ? 1 : 0, data.LeftOut.Count);

        _folder.Write("ImageSets/Segmentation/train.txt", list);
        foreach (var name in (string[])["a", "my photo 1", "b"])
            _folder.Write($"SegmentationClass/{name}.png", ImageCodec.EncodePng(new Image(60, 80, 1)));
        var maps = new VocSegmentation(new(_folder.Path));
        Assert.Equal(2, maps.Count);
        Assert.All(Enumerable.Range(0, 2), i => Assert.NotNull(maps.Get(i).SegmentationFile!.Read));
    }

    [Fact]
    public void List_NameThatIsNowhere_IsToldWithItsLine()
    {
        Add("a", "cat");
        _folder.Write("ImageSets/Main/train.txt", "a\n../a\n");
        Assert.Contains(
            "train.txt:2  \"../a\" leads out of the folder",
            Error(() => new VocDetection(new(_folder.Path))),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void List_NameInOtherLetters_IsTheSameImage_UnlessThereAreTwo()
    {
        Add("a1", "cat");
        Add("b", "dog");
        _folder.Write("ImageSets/Main/train.txt", "a1\nJPEGImages/A1.jpg\nb\n");
        Assert.Contains(
            "train.txt:2  A1 is the image of line 1, a1, in other letters: ",
            Error(() => new VocDetection(new(_folder.Path)).Check()),
            StringComparison.Ordinal
        );
        Assert.Equal(2, new VocDetection(new(_folder.Path) { OnDuplicate = BadData.Skip }).Count);

        _folder.Write("ImageSets/Segmentation/train.txt", "a1\nA1\nb\n");
        var maps = new VocSegmentation(new(_folder.Path));
        Assert.Equal((2, 1L), (maps.Count, Assert.Single(maps.LeftOut).Count));

        Add("A1", "cat");
        Assert.Equal(3, new VocDetection(new(_folder.Path)).Count);
        Assert.Equal(3, new VocSegmentation(new(_folder.Path)).Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void List_OfUtf16_IsRefused(bool mark)
    {
        Add("a", "cat");
        var text = new System.Text.UnicodeEncoding(bigEndian: false, byteOrderMark: mark);
        _folder.Write("ImageSets/Main/train.txt", [.. text.GetPreamble(), .. text.GetBytes("a\n")]);
        Assert.Contains("train.txt:1  is no UTF-8", Error(() => new VocDetection(new(_folder.Path))), StringComparison.Ordinal);
    }

    [Fact]
    public void Photograph_OfAFormatThatCannotBeRead_IsNamed()
    {
        Add("a", "cat");
        File.Move(Path.Combine(_folder.Path, "JPEGImages/a.JPG"), Path.Combine(_folder.Path, "JPEGImages/a.gif"));
        _folder.Write("ImageSets/Main/train.txt", "a\n");
        _folder.Write("ImageSets/Segmentation/train.txt", "a\n");
        foreach (
            var make in (Func<object>[])[() => new VocDetection(new(_folder.Path)).Check(), () => new VocSegmentation(new(_folder.Path))]
        )
            Assert.Contains("a.gif is there: GIF files can't be read; convert it to JPEG or PNG.", Error(make), StringComparison.Ordinal);
    }

    [Fact]
    public void NoClassAtAll_IsSaid()
    {
        Add("a", "cat");
        _folder.Write("Annotations/a.xml", "<annotation></annotation>");
        _folder.Write("ImageSets/Main/train.txt", "a\n");
        var data = new VocDetection(new(_folder.Path) { Classes = ["cat"] });
        Assert.Contains("train.txt has no class at all)", Assert.Single(data.LeftOut).First[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void PhotographWithoutAnnotation_BackgroundByOption(string? xml)
    {
        Add("a", "cat");
        Add("bg", "cat");
        if (xml is null)
            File.Delete(Path.Combine(_folder.Path, "Annotations/bg.xml"));
        else
            _folder.Write("Annotations/bg.xml", xml);
        _folder.Write("ImageSets/Main/train.txt", "a\nbg\n");
        var fatal = Error(() => new VocDetection(new(_folder.Path)).Check());
        Assert.Contains("bg.xml", fatal, StringComparison.Ordinal);
        Assert.Contains("\"on_missing_annotation\": \"background\"", fatal, StringComparison.Ordinal);
        var data = new VocDetection(new(_folder.Path, OnMissingAnnotation: Unannotated.Background));
        Assert.Equal((2, 1, 0), (data.Count, data.Get(0).Truth.Boxes!.Count, data.Get(1).Truth.Boxes!.Count));
        Assert.Contains(
            "1 of 2 images have no annotation file and are taken for background",
            Assert.Single(data.Check()),
            StringComparison.Ordinal
        );
        var skipped = new VocDetection(new(_folder.Path, OnMissingAnnotation: Unannotated.Skip));
        Assert.Equal(1, skipped.Count);
        Assert.Equal(LeftOutKind.Image, Assert.Single(skipped.LeftOut).Kind);
    }

    [Fact]
    public void Class_Misspelt_IsAnError_UnlessBothAreMeant()
    {
        Add("a", "cat");
        Add("b", "aeroplane");
        _folder.Write("ImageSets/Main/train.txt", "a\nb\n");
        var message = Error(() => new VocDetection(new(_folder.Path) { Classes = ["cat", "aroplane"] }));
        Assert.Contains("no category \"aroplane\". Did you mean \"aeroplane\"?", message, StringComparison.Ordinal);
        // the remedy of the message
        var both = new VocDetection(new(_folder.Path) { Classes = ["cat", "aroplane"], OnUnknownClass = BadData.Skip });
        Assert.Contains(both.LeftOut, entry => entry.Kind == LeftOutKind.Box && entry.Count == 1);
        // absent, but no misspelling
        Assert.Equal(2, new VocDetection(new(_folder.Path) { Classes = ["cat", "aeroplane", "zebra"] }).Count);
        Assert.Contains(
            "none of the classes zebra",
            Error(() => new VocDetection(new(_folder.Path) { Classes = ["zebra"] })),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Dropped_AndTwins_AreTold()
    {
        Add("a", "cat", "<difficult>1</difficult>");
        Add("b", "cat");
        _folder.Write("ImageSets/Main/train.txt", "a\nb\n");
        var entry = Assert.Single(new VocDetection(new(_folder.Path, Difficult: MarkedObjects.Drop)).LeftOut);
        Assert.Equal(("objects marked difficult, which are dropped", 1L), (entry.Reason, entry.Count));
        _folder.Write("JPEGImages/b.png", ImageCodec.EncodePng(new Image(60, 80, 3)));
        Assert.Contains(
            "b.JPG and JPEGImages/b.png have its name",
            Error(() => new VocDetection(new(_folder.Path)).Check()),
            StringComparison.Ordinal
        );
    }

    private void Add(string name, string label, string more = "")
    {
        _folder.Write($"JPEGImages/{name}.JPG", ImageCodec.EncodeJpeg(new Image(60, 80, 3)));
        _folder.Write(
            $"Annotations/{name}.xml",
            $"<annotation><size><width>80</width><height>60</height></size><object><name>{label}</name>{more}"
                + "<bndbox><xmin>11</xmin><ymin>20</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"
        );
    }

    private static string Error(Func<object> make) => Assert.Throws<UserErrorException>(make).Message;
}
