using Tessera.Datasets.Classification;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Classification;

public sealed class ObjectCropsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void EachObject_IsAnImageOfItsClass_AndItsPixels()
    {
        var data = new ObjectCrops(new(), Detection(([2, 1, 5, 4], 1, false), ([0, 0, 8, 2], 0, false)));
        Assert.Equal((2, DataTask.Classification), (data.Count, data.Info.Task));
        Assert.Equal(["cat", "dog"], data.Info.Classes);
        Assert.Equal([1, 0], [data.LabelOf(0)!.Value, data.LabelOf(1)!.Value]);
        var (first, second) = (Pixels(data, 0), Pixels(data, 1));
        Assert.Equal((3, 3), (first.Height, first.Width));
        Assert.Equal([12, 13, 14, 22, 23, 24, 32, 33, 34], first.Bytes); // ten for each row, one for each column
        Assert.Equal((2, 8), (second.Height, second.Width));
        Assert.Equal("image#2", data.Get(1).Name);
        Assert.Equal(0, data.Get(1).Truth.Label);
    }

    [Fact]
    public void Margin_IsOfTheBoxsSides_AndEndsAtTheImagesBorder()
    {
        var data = new ObjectCrops(new(Margin: 0.5), Detection(([2, 2, 4, 4], 0, false), ([0, 0, 2, 2], 0, false)));
        var (inside, corner) = (Pixels(data, 0), Pixels(data, 1));
        Assert.Equal((4, 4, 11), (inside.Height, inside.Width, inside.Bytes[0]));
        Assert.Equal((3, 3, 0), (corner.Height, corner.Width, corner.Bytes[0]));
    }

    [Fact]
    public void Square_EnlargesTheShorterSide_AboutTheCentre()
    {
        var data = new ObjectCrops(new(Square: true), Detection(([2, 1, 4, 5], 0, false)));
        var cut = Pixels(data, 0);
        Assert.Equal((4, 4, 11), (cut.Height, cut.Width, cut.Bytes[0])); // x 1 to 5, y 1 to 5
    }

    [Fact]
    public void SmallAndIgnoredBoxes_AreLeftOut_AndCounted()
    {
        var data = new ObjectCrops(new(MinSize: 2), Detection(([0, 0, 4, 4], 0, false), ([0, 0, 1, 4], 0, false), ([0, 0, 3, 3], 1, true)));
        Assert.Equal(1, data.Count);
        Assert.Equal(
            [("boxes smaller than 2 pixels", 1L), ("crowds and difficult objects", 1L)],
            data.LeftOut.Select(entry => (entry.Reason, entry.Count))
        );
        var none = new ObjectCrops(new(MinSize: 100), Detection(([0, 0, 4, 4], 0, false)));
        Assert.Contains(
            "no box that can be cut out",
            Assert.Throws<UserErrorException>(() => none.Check()).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Files_AreReadByTheirNames_InAnyPipeline()
    {
        _folder.Write("JPEGImages/a.png", ImageCodec.EncodePng(Numbered(6, 8)));
        _folder.Write(
            "Annotations/a.xml",
            "<annotation><filename>a.png</filename><size><width>8</width><height>6</height><depth>1</depth></size>"
                + "<object><name>dog</name><bndbox><xmin>3</xmin><ymin>2</ymin><xmax>5</xmax><ymax>4</ymax></bndbox></object></annotation>"
        );
        _folder.Write("ImageSets/Main/train.txt", "a\n");
        var data = new ObjectCrops(new(), new VocDetection(new(_folder.Path))) { Pipeline = [new LoadImage(new(ColorType.Grayscale))] };
        Assert.Empty(data.Check());
        Assert.EndsWith("a.png#1", data.ListNameOf(0), StringComparison.Ordinal);
        var sample = data.Pipeline[0].Apply(data.Open(0, training: true), new RandomSource(1));
        var image = sample.Image!.Decode();
        Assert.Equal((2, 2, 1, 12), (image.Height, image.Width, image.Channels, image.Bytes[0])); // VOC counts from 1
    }

    [Fact]
    public void OtherData_IsRefused()
    {
        var labels = new MemoryDataset(3);
        var error = Assert.Throws<UserErrorException>(() => new ObjectCrops(new(), labels));
        Assert.Contains("dataset is for classification; one for detection was expected", error.Message, StringComparison.Ordinal);
        var piped = Detection(([0, 0, 4, 4], 0, false));
        piped.Pipeline = [new LoadImage(new())];
        Assert.Throws<UserErrorException>(() => new ObjectCrops(new(), piped));
    }

    private static Image Pixels(ObjectCrops data, int index) => data.Get(index).Image!.Decode();

    private static MemoryDataset Detection(params (float[] Corners, int Label, bool Ignored)[] objects) =>
        new(
            1,
            index => new Sample
            {
                Index = index,
                Name = "image",
                Image = new(Numbered(6, 8)),
                Truth =
                {
                    Boxes = new Boxes(
                        [.. objects.SelectMany(item => item.Corners)],
                        [.. objects.Select(item => item.Label)],
                        [.. objects.Select(item => item.Ignored)]
                    ),
                },
            },
            info: new DataInfo(["cat", "dog"], DataTask.Detection)
        );

    private static Image Numbered(int height, int width)
    {
        var image = new Image(height, width, 1);
        for (var y = 0; y < height; y++)
        for (var x = 0; x < width; x++)
            image.Bytes[y * width + x] = (byte)(10 * y + x);
        return image;
    }
}
