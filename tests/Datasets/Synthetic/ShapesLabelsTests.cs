using Tessera.Datasets.Images;
using Tessera.Datasets.Synthetic;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Synthetic;

/// <summary>Shapes whose label images come from a folder.</summary>
public sealed class ShapesLabelsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Labels_TakeThePlaceOfTheExactMaps()
    {
        var map = new Image(32, 32, 1);
        for (var i = 0; i < map.Bytes.Length; i++)
            map.Bytes[i] = i % 3 == 0 ? (byte)255 : (byte)(i % 3);
        Write(1, map);
        var data = Data();
        Assert.Equal(["background", "circle", "star"], data.Info.Classes);
        var sample = Load(data, 1);
        Assert.Equal(map.Bytes, sample.Truth.SegmentationMap!.Bytes);
        Assert.Null(data.LabelsOf(1)); // not what the scene says
        var exact = new Shapes(new ShapesOptions(Count: 4, Size: 32, Task: DataTask.Segmentation, Classes: ["circle", "star"]));
        Assert.Equal(exact.Get(1).Image!.Decode().Bytes, sample.Image!.Decode().Bytes);
    }

    [Fact]
    public void Labels_ThatAreMissingOrNoClass_AreTheUsersMistake()
    {
        Write(0, new Image(32, 32, 1));
        var wrong = new Image(32, 32, 1);
        wrong.Bytes[5] = 3;
        Write(1, wrong);
        Write(2, new Image(16, 32, 1));
        var data = Data();
        Assert.NotNull(Load(data, 0).Truth.SegmentationMap);
        Assert.Contains("3", Assert.Throws<UserErrorException>(() => Load(data, 1)).Message, StringComparison.Ordinal);
        Assert.Throws<UserErrorException>(() => Load(data, 2));
        Assert.Contains("000003.png", Assert.Throws<UserErrorException>(() => Load(data, 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_AreForSegmentationAlone_AndMustBeThere()
    {
        var options = new ShapesOptions(Count: 2, Labels: _folder.Path);
        Assert.Contains(
            "for the task segmentation",
            Assert.Throws<UserErrorException>(() => new Shapes(options)).Message,
            StringComparison.Ordinal
        );
        var gone = options with { Task = DataTask.Segmentation, Labels = Path.Combine(_folder.Path, "gone") };
        Assert.Contains("gone", Assert.Throws<UserErrorException>(() => new Shapes(gone)).Message, StringComparison.Ordinal);
    }

    private Shapes Data() =>
        new(
            new ShapesOptions(
                Count: 4,
                Size: 32,
                Task: DataTask.Segmentation,
                Classes: ["circle", "star"],
                Truth: true,
                Labels: _folder.Path
            )
        );

    private static Sample Load(Shapes data, int index)
    {
        var sample = new LoadImage(new LoadImageOptions()).Apply(data.Get(index), new RandomSource(0));
        return new LoadSegmentation().Apply(sample, new RandomSource(0));
    }

    private void Write(int index, Image labels) =>
        File.WriteAllBytes(Path.Combine(_folder.Path, $"{index:D6}.png"), ImageCodec.EncodePng(labels));
}
