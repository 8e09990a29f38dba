using Tessera.Datasets.Loading;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using static TorchSharp.torch;

namespace Tessera.Tests.Datasets.Loading;

public sealed class CollationTests
{
    private static Batch Collate(params Sample[] samples)
    {
        var data = new MemoryDataset(samples.Length, index => samples[index]);
        using var loader = new BatchLoaderFactory().Create(
            data,
            [],
            null,
            new LoaderOptions(samples.Length, Workers: 2),
            0,
            training: false
        );
        return loader.Epoch(0).Single();
    }

    private static Sample Named(int index, int height = 2, int width = 3, int channels = 3)
    {
        var image = new Image(height, width, channels);
        for (var i = 0; i < image.Bytes.Length; i++)
            image.Bytes[i] = (byte)(100 * index + i);
        return new Sample
        {
            Index = index,
            Name = $"{index}.jpg",
            Image = new(image),
        };
    }

    private static string Error(params Sample[] samples) => Assert.Throws<UserErrorException>(() => Collate(samples)).Message;

    [Fact]
    public void Images_BecomePlanes_Normalised()
    {
        var samples = new[] { Named(0), Named(1) };
        samples[1].Image!.Normalize(new Normalization([1, 2, 3], [2, 4, 8]));
        using var batch = Collate(samples);
        Assert.Equal([2, 3, 2, 3], batch.Images.shape);
        Assert.Equal(ScalarType.Float32, batch.Images.dtype);
        // [H, W, C] 0 .. 17: channel 0 holds 0, 3, 6 …
        Assert.Equal([0, 3, 6, 9, 12, 15, 1, 4, 7, 10, 13, 16, 2, 5, 8, 11, 14, 17], batch.Images[0].contiguous().data<float>().ToArray());
        // (100 - 1) / 2 first, (102 - 3) / 8 first of channel 2.
        Assert.Equal(49.5f, batch.Images[1, 0, 0, 0].item<float>());
        Assert.Equal(99 / 8f, batch.Images[1, 2, 0, 0].item<float>());
        Assert.Null(batch.Labels);
        Assert.Null(batch.SegmentationMaps);
    }

    [Fact]
    public void Truth_OfEveryKind_IsStacked()
    {
        var samples = new[] { Named(0), Named(1) };
        for (var i = 0; i < 2; i++)
        {
            samples[i].Truth.Label = 3 + i;
            samples[i].Truth.MultiLabel = [i, 0, 1];
            samples[i].Truth.Targets = [0.5f * i, 2];
            samples[i].Truth.SegmentationMap =
                i == 0
                    ? new Image(2, 3, 1, PixelType.UInt8, [0, 1, 2, 3, 4, 255])
                    : new Image(2, 3, 1, PixelType.UInt16, [44, 1, 1, 0, 2, 0, 3, 0, 4, 0, 255, 255]);
            samples[i].Truth.ExtraMaps["depth"] = new Image(1, 2, 1, PixelType.UInt16, [(byte)i, 1, 2, 0]);
        }
        using var batch = Collate(samples);
        Assert.Equal([3L, 4], batch.Labels!.data<long>().ToArray());
        Assert.Equal([0f, 0, 1, 1, 0, 1], batch.SoftLabels!.data<float>().ToArray());
        Assert.Equal([0f, 2, 0.5f, 2], batch.Targets!.data<float>().ToArray());
        Assert.Equal([2, 2, 3], batch.SegmentationMaps!.shape);
        Assert.Equal([0L, 1, 2, 3, 4, 255, 300, 1, 2, 3, 4, 255], batch.SegmentationMaps.data<long>().ToArray());
        Assert.Equal([2, 1, 1, 2], batch.ExtraMaps["depth"].shape);
        Assert.Equal([256f, 2, 257, 2], batch.ExtraMaps["depth"].data<float>().ToArray());
        Assert.Equal(["0.jpg", "1.jpg"], batch.Samples.Select(sample => sample.Name));
    }

    [Fact]
    public void Images_OfDifferentSizes_AreNamed()
    {
        var message = Error(Named(0), Named(1), Named(2, height: 4));
        Assert.StartsWith("The images of a batch must be of one size: 0.jpg is 2 x 3 x 3, 2.jpg is 4 x 3 x 3.", message);
        Assert.Contains("Pad", message);
        Assert.Contains("0.jpg is 2 x 3 x 3, 1.jpg is 2 x 3\x2e", Error(Named(0), Named(1, channels: 1)));
    }

    [Fact]
    public void Truth_OnSomeOnly_IsNamed()
    {
        var (with, without) = (Named(0), Named(1));
        with.Truth.Label = 1;
        Assert.Equal("1.jpg has no label, but 0.jpg has.", Error(with, without));
        (with, without) = (Named(0), Named(1));
        with.Truth.SegmentationMap = new Image(2, 3, 1);
        Assert.Equal("1.jpg has no segmentation map, but another sample of the batch has.", Error(with, without));
        (with, without) = (Named(0), Named(1));
        (with.Truth.MultiLabel, without.Truth.MultiLabel) = ([1, 0], [1, 0, 0]);
        Assert.Equal("The multi-label truth of a batch must be equally long: 0.jpg has 2, 1.jpg has 3.", Error(with, without));
    }

    [Fact]
    public void Image_Missing_AsksForLoadImage() =>
        Assert.Equal("a.jpg: the pipeline gives no image. Does it lack a LoadImage step?", Error(new Sample { Index = 0, Name = "a.jpg" }));

    [Fact]
    public void Batch_OverTwoGibibytes_IsRefusedBeforeMemoryIsTaken()
    {
        var image = new Image(8192, 8192, 1);
        var samples = Enumerable
            .Range(0, 9)
            .Select(i => new Sample
            {
                Index = i,
                Name = $"{i}.png",
                Image = new(image),
            })
            .ToArray();
        Assert.Contains("Lower batch_size", Error(samples));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Detection_ImagesOfSeveralSizes_ArePaddedToAMultipleOf32(int workers)
    {
        var samples = new[] { Named(0, 20, 50), Named(1, 40, 10), Named(2, 64, 64) };
        foreach (var sample in samples)
        {
            sample.Truth.Boxes = new Boxes([1, 2, 3, 4], [0], [false]);
            sample.Image!.Normalize(new Normalization([10, 10, 10], [2, 2, 2]));
        }
        var pixels = samples.Select(sample => sample.Image!.Take().Pixels).ToArray();
        var data = new MemoryDataset(3, index => samples[index], info: new DataInfo(["a"], DataTask.Detection));
        using var loader = new BatchLoaderFactory().Create(data, [], null, new LoaderOptions(2, Workers: workers), 0, training: false);
        var batches = loader.Epoch(0).ToArray();
        Assert.Equal([2, 3, 64, 64], batches[0].Images.shape); // 40 and 50, rounded up
        Assert.Equal([1, 3, 64, 64], batches[1].Images.shape);
        for (var i = 0; i < 3; i++)
        {
            var values = batches[i / 2].Images[i % 2].contiguous().data<float>().ToArray();
            var (height, width) = (pixels[i].Height, pixels[i].Width);
            for (var c = 0; c < 3; c++)
            for (var y = 0; y < 64; y++)
            for (var x = 0; x < 64; x++)
                Assert.Equal(
                    y < height && x < width ? (pixels[i].Bytes[(y * width + x) * 3 + c] - 10) / 2f : 0,
                    values[(c * 64 + y) * 64 + x]
                );
        }
        foreach (var batch in batches)
            batch.Dispose();
    }

    [Fact]
    public void Detection_OtherChannels_IsTheUsersMistake()
    {
        var samples = new[] { Named(0, 20, 50), Named(1, 40, 10, channels: 1) };
        var data = new MemoryDataset(2, index => samples[index], info: new DataInfo(["a"], DataTask.Detection));
        using var loader = new BatchLoaderFactory().Create(data, [], null, new LoaderOptions(2, Workers: 0), 0, training: false);
        Assert.Contains(
            "must be of one size",
            Assert.Throws<UserErrorException>(() => loader.Epoch(0).ToArray()).Message,
            StringComparison.Ordinal
        );
    }
}
