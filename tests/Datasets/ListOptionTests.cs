using Tessera.Datasets;
using Tessera.Datasets.Classification;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Segmentation;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets;

/// <summary>"list" of every kind of data set: the listed samples, in the list's order, with the classes of all; and what a wrong list
/// says.</summary>
public sealed class ListOptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Kinds =>
        ["folder", "csv", "masks", "voc masks", "coco", "voc", "voc flat", "voc one folder", "cub", "subset", "subset of numbers"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void List_ChoosesSamples_AndKeepsTheClasses(string kind)
    {
        Make(kind);
        var all = Open(kind, null);
        var (names, classes) = (Enumerable.Range(0, all.Count).Select(i => Subset.NameOf(all, i)).ToArray(), all.Info.Classes);
        Assert.Equal(3, all.Count);
        _folder.Write("part.txt", $"{names[2]}\n{names[0]}\n");
        var part = Open(kind, Path.Combine(_folder.Path, "part.txt"));
        Assert.Equal([all.Get(2).Name, all.Get(0).Name], Enumerable.Range(0, part.Count).Select(i => part.Get(i).Name));
        Assert.Equal([names[2], names[0]], Enumerable.Range(0, part.Count).Select(part.ListNameOf).Select(name => name ?? "?"));
        Assert.Equal(classes, part.Info.Classes);
        Assert.Equal([0, 1], Enumerable.Range(0, 2).Select(i => (int)part.Get(i).Index));
        Assert.Equal(all.LabelsOf(2), part.LabelsOf(0));
        // One sample, which lacks a class: the classes stay.
        _folder.Write("one.txt", names[0]);
        Assert.Equal(classes, Open(kind, Path.Combine(_folder.Path, "one.txt")).Info.Classes);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void List_NameThatIsNotThere_IsToldWithItsLine(string kind)
    {
        Make(kind);
        var name = Subset.NameOf(Open(kind, null), 0);
        _folder.Write("part.txt", $"{name}\n{name}x\n");
        var error = Assert.Throws<UserErrorException>(() => Open(kind, Path.Combine(_folder.Path, "part.txt"))).Message;
        Assert.Contains($"part.txt:2  the data has no \"{name}x\".", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Voc_ListsOfStems_AndWhatIsNotListedIsNotJudged()
    {
        Make("voc");
        File.Delete(Path.Combine(_folder.Path, "Annotations/1.xml")); // not listed
        _folder.Write("part.txt", "2\n0\n");
        var part = new VocDetection(new(_folder.Path) { List = "part.txt" });
        Assert.Equal(["2.jpg", "0.jpg"], Enumerable.Range(0, part.Count).Select(i => Path.GetFileName(part.Get(i).Name)));
        Assert.Empty(part.Check());
        Assert.Contains("1.xml doesn't exist", Error(() => new VocDetection(new(_folder.Path, null)).Check()), StringComparison.Ordinal);
    }

    [Fact]
    public void Voc_FoldersThatAreNotThere()
    {
        Make("voc flat");
        Assert.Contains("\"split\": null takes every image", Error(() => new VocDetection(new(_folder.Path))), StringComparison.Ordinal);
        Assert.Contains(
            "Did you mean \"photos\"?",
            Error(() => new VocDetection(new(_folder.Path, null, ImageFolder: "photo"))),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Subset_ItsPipelineAndItsParts()
    {
        var whole = new ConcatDataset([new Shapes(new(Count: 2, Size: 16)), new Shapes(new(Count: 3, Size: 16, Seed: 1))]);
        var subset = new Subset(whole, [4, 0]);
        Assert.Equal(whole.Get(4).Name, subset.Get(0).Name);
        Assert.Equal(whole.LabelOf(4), subset.LabelOf(0));
        Assert.Equal(2, subset.OriginOf(0).Index);
        Assert.Equal(["4", "0"], Enumerable.Range(0, 2).Select(subset.ListNameOf).Select(name => name ?? "?"));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Subset(whole, [5]));
    }

    private Dataset Open(string kind, string? list) =>
        kind switch
        {
            "folder" => new ImageFolder(new(_folder.Path, "all", List: list)),
            "csv" => new ImageList(new(Path.Combine(_folder.Path, "all.csv"), List: list)),
            "masks" => new SegmentationFolder(new(_folder.Path, "all") { Classes = ["ground", "thing"], List = list }),
            "voc masks" => new VocSegmentation(new(_folder.Path, "all") { List = list }),
            "coco" => new CocoDetection(new(_folder.Path, Path.Combine(_folder.Path, "all.json")) { List = list }),
            "voc" => new VocDetection(new(_folder.Path, "all") { List = list }),
            "voc flat" => new VocDetection(new(_folder.Path, null, ImageFolder: "photos", AnnotationFolder: "xml") { List = list }),
            "voc one folder" => new VocDetection(new(_folder.Path, null, ImageFolder: "", AnnotationFolder: "") { List = list }),
            "cub" => new Cub200(new(_folder.Path, List: list)),
            "subset" => list is null ? Open("folder", null) : new Subset(new(List: list), Open("folder", null)),
            _ => list is null
                ? new Subset(new Shapes(new(Count: 3, Size: 16)), [0, 1, 2])
                : new Subset(new(List: list), new Shapes(new(Count: 3, Size: 16))),
        };

    private void Make(string kind)
    {
        switch (kind)
        {
            case "folder" or "subset":
                Images("all/cat/a.png", "all/cat/sub/b.png", "all/dog/c.png");
                break;
            case "csv":
                Images("a.png", "b.png", "c.png");
                _folder.Write("all.csv", "image,label\na.png,cat\nb.png,dog\nc.png,cat\n");
                break;
            case "masks":
                Images("all/image/a.png", "all/image/b.png", "all/image/c.png");
                Masks("all/label/a.png", "all/label/b.png", "all/label/c.png");
                break;
            case "voc masks":
                Images("JPEGImages/a.jpg", "JPEGImages/b.jpg", "JPEGImages/c.jpg");
                Masks("SegmentationClass/a.png", "SegmentationClass/b.png", "SegmentationClass/c.png");
                _folder.Write("ImageSets/Segmentation/all.txt", "a\nb\nc\n");
                break;
            case "coco":
                Images("a.png", "below/b.png", "c.png");
                _folder.Write(
                    "all.json",
                    """
                    { "images": [{ "id": 1, "file_name": "a.png" }, { "id": 2, "file_name": "below/b.png" }, { "id": 3, "file_name": "c.png" }],
                      "categories": [{ "id": 1, "name": "cat" }, { "id": 2, "name": "dog" }],
                      "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2] }, { "id": 2, "image_id": 3, "category_id": 2, "bbox": [0, 0, 2, 2] }] }
                    """
                );
                break;
            case "cub":
                Images("images/001.Cat/a.png", "images/002.Dog/b.png", "images/001.Cat/c.png");
                _folder.Write("images.txt", "1 001.Cat/a.png\n2 002.Dog/b.png\n3 001.Cat/c.png\n");
                _folder.Write("image_class_labels.txt", "1 1\n2 2\n3 1\n");
                _folder.Write("train_test_split.txt", "1 1\n2 1\n3 1\n");
                _folder.Write("classes.txt", "1 001.Cat\n2 002.Dog\n");
                break;
            default:
                var (images, xml) =
                    kind == "voc" ? ("JPEGImages/", "Annotations/")
                    : kind == "voc flat" ? ("photos/", "xml/")
                    : ("", "");
                foreach (var (name, label) in (ReadOnlySpan<(string, string)>)[("0", "cat"), ("1", "dog"), ("2", "cat")])
                {
                    Images($"{images}{name}.jpg");
                    _folder.Write(
                        $"{xml}{name}.xml",
                        $"<annotation><object><name>{label}</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
                            + "<xmax>3</xmax><ymax>3</ymax></bndbox></object></annotation>"
                    );
                }
                if (kind == "voc")
                    _folder.Write("ImageSets/Main/all.txt", "0\n1\n2\n");
                break;
        }
    }

    private void Images(params string[] names)
    {
        foreach (var name in names)
            _folder.Write(name, ImageCodec.EncodePng(new Image(4, 5, 3)));
    }

    private void Masks(params string[] names)
    {
        foreach (var name in names)
            _folder.Write(name, ImageCodec.EncodePng(new Image(4, 5, 1)));
    }

    private static string Error(Func<object> action) => Assert.Throws<UserErrorException>(action).Message;
}
