using Tessera.Datasets.Segmentation;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Segmentation;

public sealed class LeftOutLabelsTests : IDisposable
{
    private readonly LabelTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void Folder_CountsWhatIsNoPair()
    {
        _tree.Pairs([0, 1, 2]);
        foreach (var name in (string[])["train/image/x.gif", "train/image/readme.txt", "train/label/x.json", "train/image/._a.png"])
            _tree.Write(name, "x");
        var data = Folder(apply: true);
        Assert.Equal(1, data.Count);
        Assert.Equal(
            [(LeftOutKind.File, 1), (LeftOutKind.Image, 1), (LeftOutKind.File, 1)],
            data.LeftOut.Select(entry => (entry.Kind, (int)entry.Count))
        );
        Assert.Contains(
            data.Check(),
            note => note.Contains("GIF files among the images, which can't be read (.gif): 1", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Photograph_OfAFormatThatCannotBeRead_IsNamed()
    {
        _tree.Pairs([0, 1, 2]).Labels("train/label/x.png", [0, 1, 2]);
        _tree.Write("train/image/x.gif", "GIF89a");
        var message = Assert.Throws<UserErrorException>(() => Folder(apply: true)).Message;
        Assert.Contains("x.png: there is no photograph for these labels; ", message, StringComparison.Ordinal);
        Assert.Contains("x.gif is there: GIF files can't be read; convert it to JPEG or PNG.", message, StringComparison.Ordinal);
    }

    /// <summary>Labels drawn on the photograph as shown (40 x 24), or as stored (24 x 40): each with its setting, and the other names
    /// it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ExifPhotograph_LabelsAsShownOrAsStored(bool shown)
    {
        _tree.Write("train/image/e.jpg", ImageFixture.Bytes("orientation-6.jpg"));
        _tree.Labels("train/label/e.png", new byte[24 * 40], shown ? 24 : 40);
        for (var time = 0; time < 2; time++) // the second look is the cache's
        {
            var data = Folder(apply: shown);
            Assert.Equal("no pixel is of 2 of the 3 classes: \"road\", \"car\".", Assert.Single(data.Check()));
            var sample = data.Pipeline.Aggregate(data.Get(0), (at, step) => step.Apply(at, new RandomSource(1)));
            Assert.Equal(sample.Image?.Size, (sample.Truth.SegmentationMap!.Height, sample.Truth.SegmentationMap.Width));
            var message = Assert.Throws<UserErrorException>(() => Folder(apply: !shown).Check()).Message;
            Assert.Contains($"set \"apply_orientation\": {(shown ? "true" : "false")} in LoadImage", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void JpegMask_WithValuesOfNoClass_NamesJpeg() =>
        Assert.Contains(
            "JPEG changes values",
            LabelErrors.Unclaimed("a.jpg", new LabelTable(["sky"], [new(0, 0)], byColor: false), [new(3, 5)]).Message,
            StringComparison.Ordinal
        );

    private SegmentationFolder Folder(bool apply) =>
        new(new(_tree.Path) { Classes = ["sky", "road", "car"] })
        {
            Pipeline = [new LoadImage(new LoadImageOptions(ApplyOrientation: apply)), new LoadSegmentation()],
        };
}
