using Tessera.Datasets;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Segmentation;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Segmentation;

namespace Tessera.Tests.Datasets;

public sealed class ImageLabelsTests : IDisposable
{
    private readonly LabelTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void Segmentation_LabelsAreTheClassesWithPixels_WithoutBackgroundAndIgnored()
    {
        Photographs("a", "b");
        _tree.Labels("SegmentationClass/a.png", [0, 255, 15]);
        _tree.Labels("SegmentationClass/b.png", [1, 20, 1]);
        var data = new ImageLabels(new(), new VocSegmentation(new(_tree.Path)));
        Assert.Equal(DataTask.MultiLabel, data.Info.Task);
        Assert.Equal(20, data.Info.Classes.Count);
        Assert.Equal("aeroplane", data.Info.Classes[0]);
        Assert.Equal([14], data.LabelsOf(0)!); // person is 15 of the maps
        Assert.Equal([0, 19], data.LabelsOf(1)!);
        Assert.Equal([14], Hot(data.Get(0)));
        Assert.Equal([0, 19], Hot(data.Get(1)));
        Assert.NotNull(data.Get(0).SegmentationFile);
    }

    [Fact]
    public void Segmentation_WithEveryClassALabel()
    {
        Photographs("a");
        _tree.Labels("SegmentationClass/a.png", [0, 255, 15]);
        var data = new ImageLabels(new(Background: ""), new VocSegmentation(new(_tree.Path)));
        Assert.Equal(21, data.Info.Classes.Count);
        Assert.Equal([0, 15], data.LabelsOf(0)!);
    }

    [Fact]
    public void Segmentation_WithABrokenLabelFile_IsTold()
    {
        Photographs("a", "b");
        _tree.Labels("SegmentationClass/a.png", [0, 0, 1]);
        _tree.Write("SegmentationClass/b.png", "no image");
        var parts = new ConcatDataset([new VocSegmentation(new(_tree.Path))]);
        foreach (var inner in new Dataset[] { new VocSegmentation(new(_tree.Path)), parts })
        {
            var data = new ImageLabels(new(), inner);
            Assert.Equal([0], data.LabelsOf(0)!);
            Assert.Contains("b.png", Assert.Throws<UserErrorException>(() => data.Get(1)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Detection_LabelsAreTheBoxesClasses()
    {
        Photographs("a");
        _tree.Write("ImageSets/Main/train.txt", "a");
        _tree.Write(
            "Annotations/a.xml",
            """
            <annotation>
              <object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>2</ymax></bndbox></object>
              <object><name>cat</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>
              <object><name>dog</name><bndbox><xmin>2</xmin><ymin>1</ymin><xmax>3</xmax><ymax>2</ymax></bndbox></object>
            </annotation>
            """
        );
        var data = new ImageLabels(
            new(),
            new VocDetection(new(_tree.Path) { Classes = ["bird", "cat", "dog"], OnUnknownClass = BadData.Skip })
        );
        Assert.Equal([1, 2], data.LabelsOf(0)!);
        var sample = data.Get(0);
        Assert.Equal([1, 2], Hot(sample));
        Assert.Null(sample.Truth.Boxes);
    }

    [Fact]
    public void Shapes_OfEveryTask_HaveTheSameLabels()
    {
        var known = new Shapes(new(Count: 20, Task: DataTask.MultiLabel));
        foreach (var task in new[] { DataTask.Segmentation, DataTask.MultiLabel })
        {
            var data = new ImageLabels(new(), new Shapes(new(Count: 20, Task: task)));
            Assert.Equal(known.Info.Classes, data.Info.Classes);
            for (var i = 0; i < 20; i++)
                Assert.Equal(known.Get(i).Truth.MultiLabel, data.Get(i).Truth.MultiLabel);
        }
    }

    [Fact]
    public void Regression_HasNoLabels() =>
        Assert.Contains(
            "regression",
            Assert.Throws<UserErrorException>(() => new ImageLabels(new(), new Shapes(new(Count: 2, Task: DataTask.Regression)))).Message,
            StringComparison.Ordinal
        );

    private static int[] Hot(Sample sample) =>
        [.. sample.Truth.MultiLabel!.Select((value, i) => (value, i)).Where(entry => entry.value == 1).Select(entry => entry.i)];

    private void Photographs(params string[] names)
    {
        _tree.Write("ImageSets/Segmentation/train.txt", string.Join('\n', names));
        foreach (var name in names)
            _tree.Photograph($"JPEGImages/{name}.png", 1);
    }
}
