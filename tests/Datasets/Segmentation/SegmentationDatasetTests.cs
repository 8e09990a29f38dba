using System.IO.Compression;
using Tessera.Datasets.Segmentation;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Storage;

namespace Tessera.Tests.Datasets.Segmentation;

public sealed class SegmentationDatasetTests : IDisposable
{
    private static readonly Dictionary<string, string> Map = new()
    {
        ["0"] = "sky",
        ["1"] = "road",
        ["2"] = "car",
        ["9"] = "ignore",
    };

    private readonly LabelTree _tree = new();

    public void Dispose() => _tree.Dispose();

    private SegmentationFolder Folder(SegmentationFolderOptions? options = null) =>
        new((options ?? new(_tree.Path)) with { LabelMap = Map })
        {
            Pipeline = [new LoadImage(new LoadImageOptions()), new LoadSegmentation()],
        };

    private static Sample Read(Dataset data, int index) =>
        data.Pipeline.Aggregate(data.Get(index), (sample, step) => step.Apply(sample, new RandomSource(1)));

    private static string Error(Action action) => Assert.Throws<UserErrorException>(action).Message;

    [Fact]
    public void Folder_ReadsPairs_AsClassIndices()
    {
        _tree.Pairs([0, 1, 2, 9, 9, 1], [2, 2, 2]);
        var data = Folder();
        Assert.Equal((2, DataTask.Segmentation), (data.Count, data.Info.Task));
        Assert.Equal(["sky", "road", "car"], data.Info.Classes);
        var sample = Read(data, 0);
        Assert.Equal([0, 1, 2, 255, 255, 1], sample.Truth.SegmentationMap!.Bytes);
        Assert.EndsWith("train/image/a.png", sample.Name, StringComparison.Ordinal);
        Assert.Equal([0, 1, 2], data.LabelsOf(0)!);
        Assert.Equal([2], data.LabelsOf(1)!);
        Assert.Empty(data.Check());
    }

    [Fact]
    public void Zip_HoldsTheSame()
    {
        _tree.Pairs([0, 1, 2], [9, 1, 1]);
        var files = Directory
            .EnumerateFiles(_tree.Path, "*", SearchOption.AllDirectories)
            .Select(path => (Path.GetRelativePath(_tree.Path, path), File.ReadAllBytes(path)))
            .ToArray();
        var zip = _tree.Write("all.zip", ZipStoreTests.Zip(CompressionLevel.Fastest, files));
        var data = Folder(new(zip));
        Assert.Equal([255, 1, 1], Read(data, 1).Truth.SegmentationMap!.Bytes);
        Assert.Empty(data.Check());
        Assert.Equal([1], data.LabelsOf(1)!);
    }

    [Fact]
    public void Folder_MMSegmentationsLayout_WithSuffixesAndSubfolders()
    {
        _tree.Photograph("images/val/city/a_rgb.png", 1);
        _tree.Labels("annotations/val/city/a_ids.png", [1, 1, 1]);
        _tree.Labels("annotations/val/city/a_color.png", [7, 7, 7]);
        var data = Folder(new(_tree.Path, "val", "images/{split}", "annotations/{split}", "_rgb", "_ids.png"));
        Assert.Equal([1, 1, 1], Read(data, 0).Truth.SegmentationMap!.Bytes);
    }

    [Fact]
    public void KnownLayouts_AreFound()
    {
        foreach (
            var name in (string[])
                [
                    "leftImg8bit/train/aachen/a_leftImg8bit.png",
                    "images/training/a.png",
                    "images/train2017/a.jpg",
                    "JPEGImages/a.jpg",
                    "train/a.png",
                ]
        )
            _tree.Photograph(name, 1);
        foreach (
            var name in (string[])
                [
                    "gtFine/train/aachen/a_gtFine_labelIds.png",
                    "annotations/training/a.png",
                    "annotations/train2017/a.png",
                    "SegmentationClass/a.png",
                    "SegmentationClassContext/a.png",
                    "trainannot/a.png",
                ]
        )
            _tree.Labels(name, [1, 1, 7]);
        _tree.Labels("gtFine/train/aachen/a_gtFine_color.png", [1, 1, 7]);
        _tree.Labels("annotations/train2017/a_labelTrainIds.png", [2, 2, 8]);
        _tree.Write("ImageSets/Segmentation/train.txt", "a\n");
        _tree.Write("ImageSets/SegmentationContext/train.txt", "a\r\n\r\n");
        (SegmentationDataset Data, byte[] Classes)[] known =
        [
            (new Cityscapes(new(_tree.Path)), [255, 255, 0]),
            (new Ade20k(new(_tree.Path, "train")), [0, 0, 6]),
            (new CocoStuff(new(_tree.Path)), [1, 1, 7]),
            (new CocoStuff(new(_tree.Path, Labels: LabelNumbers.TrainIds)), [2, 2, 8]),
            (new VocSegmentation(new(_tree.Path)), [1, 1, 7]),
            (new PascalContext(new(_tree.Path)), [1, 1, 7]),
            (new CamVid(new(_tree.Path)), [1, 1, 7]),
        ];
        foreach (var (data, classes) in known)
        {
            data.Pipeline = [new LoadImage(new LoadImageOptions()), new LoadSegmentation()];
            Assert.Equal(1, data.Count);
            Assert.Equal(classes, Read(data, 0).Truth.SegmentationMap!.Bytes);
            Assert.Equal(data.Info.Classes.Count, data.Info.Palette!.Count);
            Assert.All(data.Check(), note => Assert.Matches("^no pixel is |of all pixels are ignored", note));
        }
        Assert.Contains(
            "val.txt doesn't exist: it lists the split's images. There are: train.",
            Error(() => _ = new VocSegmentation(new(_tree.Path, "val"))),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Colours_TellTheClasses_AlsoThroughAPalette()
    {
        _tree.Photograph("train/image/a.png", 1);
        _tree.Photograph("train/image/b.png", 1);
        _tree.Write("train/label/a.png", LabelTree.Png(new Image(1, 3, 3, PixelType.UInt8, [128, 64, 128, 0, 0, 255, 128, 64, 128])));
        _tree.Write(
            "train/label/b.png",
            Tessera.Datasets.Images.ImageCodec.EncodePng(new Image(1, 3, 1, PixelType.UInt8, [1, 0, 1]), [128, 64, 128, 0, 0, 255])
        );
        var data = new SegmentationFolder(
            new SegmentationFolderOptions(_tree.Path) with
            {
                LabelMap = new Dictionary<string, string> { ["#804080"] = "road", ["0,0,255"] = "sky" },
            }
        )
        {
            Pipeline = [new LoadImage(new LoadImageOptions()), new LoadSegmentation()],
        };
        Assert.Equal([0, 1, 0], Read(data, 0).Truth.SegmentationMap!.Bytes);
        Assert.Equal([1, 0, 1], Read(data, 1).Truth.SegmentationMap!.Bytes);
        Assert.Equal(["#804080", "#0000FF"], data.Info.Palette!.Select(color => color.ToString()));
        Assert.Empty(data.Check());
    }

    [Theory]
    [InlineData(16)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Depths_OtherThan8Bits_AreReadUnscaled(int bits)
    {
        _tree.Photograph("train/image/a.png", 1);
        var values = bits == 16 ? new Image(1, 3, 1, PixelType.UInt16, [44, 1, 1, 0, 44, 1]) : null; // 300, 1, 300
        _tree.Write("train/label/a.png", values is not null ? LabelTree.Png(values) : PackedPng.Of(bits, 1, 0, 1));
        var data = new SegmentationFolder(
            new SegmentationFolderOptions(_tree.Path) with
            {
                LabelMap = new Dictionary<string, string>
                {
                    ["0"] = "sky",
                    ["1"] = "road",
                    ["300"] = "car",
                },
            }
        )
        {
            Pipeline = [new LoadImage(new LoadImageOptions()), new LoadSegmentation()],
        };
        Assert.Equal(bits == 16 ? [2, 1, 2] : [1, 0, 1], Read(data, 0).Truth.SegmentationMap!.Bytes);
        Assert.Equal(bits == 16 ? "no pixel is \"sky\"." : "no pixel is \"car\".", Assert.Single(data.Check()));
    }

    [Fact]
    public void Check_ValueThatTheTableLacks_NamesFileValueAndPixels_AndSoDoesReading()
    {
        _tree.Pairs([0, 1, 2], [0, 13, 13]);
        var data = Folder();
        var expected =
            $"{Path.Combine(_tree.Path, "train/label/b.png")}: 2 pixels have the value 13, which label_map lacks. Give each value a "
            + $"class, or \"ignore\". It has 0: sky, 1: road, 2: car, 9: ignore.";
        Assert.Equal(expected, Error(() => data.Check()));
        Assert.Equal(expected, Error(() => Read(data, 1)));
    }

    [Fact]
    public void Check_ManyProblems_AreCountedAndSummedUp()
    {
        _tree.Pairs([.. Enumerable.Range(0, 10).Select(i => (byte[])[0, 13, (byte)(i < 4 ? 14 : 0)])]);
        var message = Error(() => Folder().Check());
        Assert.StartsWith("10 of 10 samples can't be used:\n  ", message, StringComparison.Ordinal);
        Assert.Contains("a.png: 2 pixels have 2 values: 13 (1), 14 (1), which label_map lacks", message, StringComparison.Ordinal);
        Assert.Contains("… and 4 more.", message, StringComparison.Ordinal);
        Assert.EndsWith("In all, label_map lacks 13 (10 files, 10 pixels), 14 (4 files, 4 pixels).", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_OtherSize_IsSaid_AndSoDoesReading()
    {
        _tree.Photograph("train/image/a.png", 2, 3);
        _tree.Labels("train/label/a.png", [0, 0, 0, 0], width: 2);
        Assert.Contains(
            "train/label/a.png: the labels have 2 x 2 pixels (height x width), their photograph",
            Error(() => Folder().Check()),
            StringComparison.Ordinal
        );
        Assert.Contains("train/image/a.png has 2 x 3.", Error(() => Read(Folder(), 0)), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_ColoursWhereValuesAreExpected_AndTheReverse()
    {
        _tree.Photograph("train/image/a.png", 1);
        _tree.Write("train/label/a.png", LabelTree.Png(new Image(1, 3, 3, PixelType.UInt8, [0, 0, 0, 1, 1, 1, 2, 2, 1])));
        Assert.Contains(
            "train/label/a.png: the label image has 3 channels, so it holds colours; label_map is by value",
            Error(() => Folder().Check()),
            StringComparison.Ordinal
        );
        Assert.Contains("tools/convert-masks", Error(() => Read(Folder(), 0)), StringComparison.Ordinal);

        _tree.Labels("train/label/a.png", [0, 0, 0]);
        var byColor = new SegmentationFolder(
            new SegmentationFolderOptions(_tree.Path) with
            {
                LabelMap = new Dictionary<string, string> { ["#000000"] = "sky" },
            }
        )
        {
            Pipeline = [new LoadImage(new LoadImageOptions()), new LoadSegmentation()],
        };
        Assert.Contains(
            "train/label/a.png: the label image has one channel of values; label_map is by colour",
            Error(() => byColor.Check()),
            StringComparison.Ordinal
        );
    }

    /// <summary>What knows RGB alone writes an index three times.</summary>
    [Fact]
    public void EqualChannels_AreValues()
    {
        _tree.Photograph("train/image/a.png", 1);
        _tree.Write("train/label/a.png", LabelTree.Png(new Image(1, 3, 3, PixelType.UInt8, [2, 2, 2, 0, 0, 0, 1, 1, 1])));
        Folder().Check();
        Assert.Equal([2, 0, 1], Read(Folder(), 0).Truth.SegmentationMap!.Bytes.ToArray());
    }

    [Fact]
    public void Check_MissingPartners_AreNamed()
    {
        _tree.Pairs([0, 1, 2]);
        _tree.Photograph("train/image/lone.jpg");
        var data = Folder();
        Assert.Contains(
            $"train/image/lone.jpg: there are no labels for it; {Path.Combine(_tree.Path, "train/label/lone.png")} was expected.",
            Error(() => data.Check()),
            StringComparison.Ordinal
        );
        Assert.Contains("there are no labels for it", Error(() => Read(data, 1)), StringComparison.Ordinal);
        Assert.Null(data.StatisticsOf(1));

        _tree.Labels("train/label/other.png", [0, 0, 0]);
        Assert.Contains(
            "train/label/other.png: there is no photograph for these labels; ",
            Error(() => Folder()),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Check_OnlyIgnoredPixels_AreAllowedAndCounted()
    {
        _tree.Pairs([0, 1, 2], [9, 9, 9], [9, 9, 9]);
        var data = Folder();
        Assert.Collection(
            data.Check(),
            note => Assert.StartsWith("2 of 3 label images hold nothing but ignored pixels", note, StringComparison.Ordinal),
            note => Assert.StartsWith("67 % of all pixels are ignored (6 are 9)", note, StringComparison.Ordinal)
        );
        Assert.Empty(data.LabelsOf(1)!);
        Assert.Equal([255, 255, 255], Read(data, 1).Truth.SegmentationMap!.Bytes);
    }

    [Fact]
    public void Check_WithoutLoadSegmentation_NeedsNoLabels()
    {
        _tree.Photograph("test/image/a.png");
        var data = Folder(new(_tree.Path, "test"));
        Assert.Throws<UserErrorException>(() => data.Check());
        data.Pipeline = [new LoadImage(new LoadImageOptions())];
        Assert.Empty(data.Check());
    }

    [Fact]
    public void Folder_Missing_SuggestsTheNearest()
    {
        _tree.Pairs([0, 1, 2]);
        Assert.Contains(
            "has no folder \"train/images\" for the images of SegmentationFolder. Did you mean \"train/image\"?",
            Error(() => Folder(new(_tree.Path, ImageFolder: "{split}/images"))),
            StringComparison.Ordinal
        );
        _tree.Photograph("train/image/a.jpg");
        Assert.Contains("have one name but for their extension", Error(() => Folder()), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_SecondTime_ReadsNothing_UntilAFileChanges()
    {
        _tree.Pairs([0, 1, 2], [1, 1, 1]);
        var read = new List<(int, int)>();
        Folder().Check((done, total) => read.Add((done, total)));
        Assert.Equal([(1, 2), (2, 2)], read);
        read.Clear();
        var again = Folder();
        again.Check((done, total) => read.Add((done, total)));
        Assert.Empty(read);
        Assert.Equal([0, 1, 2], again.LabelsOf(0)!);

        _tree.Labels("train/label/b.png", [13, 13, 13]);
        File.SetLastWriteTimeUtc(Path.Combine(_tree.Path, "train/label/b.png"), DateTime.UtcNow.AddSeconds(5));
        Assert.Contains(
            "b.png: 3 pixels have the value 13",
            Error(() => Folder().Check((done, total) => read.Add((done, total)))),
            StringComparison.Ordinal
        );
        Assert.Equal([(1, 1)], read);
    }
}
