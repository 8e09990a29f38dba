using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Metrics.Analysis;
using Tessera.Framework.Models;

namespace Tessera.Tests.Framework.Metrics.Analysis;

public class SegmentationErrorTests
{
    private static readonly DataInfo s_data = new(["a", "b", "c"], DataTask.Segmentation);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Distances_AreThoseFoundByLookingAtEveryPixel(int seed)
    {
        const int height = 23,
            width = 37,
            most = 9;
        var random = new RandomSource((ulong)seed);
        var labels = new int?[height * width];
        for (var i = 0; i < labels.Length; i++)
            labels[i] =
                random.Chance(0.02) ? random.Next(4)
                : random.Chance(0.03) ? null
                : 0;
        var expected = new int[labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            var nearest = most + 1;
            for (var j = 0; j < labels.Length; j++)
                if (labels[i] is { } own && labels[j] is { } other && own != other)
                    nearest = Math.Min(nearest, Math.Max(Math.Abs((i / width) - (j / width)), Math.Abs((i % width) - (j % width))));
            expected[i] = nearest;
        }
        Assert.Equal(expected, BoundaryDistance.Of(labels, height, width, most));
    }

    // A map of 40 x 30 (diagonal 50, boundary 1 pixel): left half a, right half b. Wrong are a column of a at the boundary (30 pixels, taken
    // for b) and a block of 4 x 5 within b (taken for c).
    private static (Sample Sample, Prediction Prediction) Scene()
    {
        var (truth, found) = (new Image(30, 40, 1), new Image(30, 40, 1));
        for (var y = 0; y < 30; y++)
        for (var x = 0; x < 40; x++)
        {
            truth.Bytes[(y * 40) + x] = (byte)(x < 20 ? 0 : 1);
            found.Bytes[(y * 40) + x] = (byte)(
                x < 19 ? 0
                : x is >= 30 and < 35 && y is >= 10 and < 14 ? 2
                : 1
            );
        }
        var sample = new Sample
        {
            Index = 0,
            Name = "scene",
            Truth = { SegmentationMap = truth },
        };
        return (sample, new SegmentationPrediction(found));
    }

    [Fact]
    public void Errors_AreSortedByPlaceAndByPair()
    {
        var (sample, prediction) = Scene();
        var errors = new SegmentationErrors(s_data);
        errors.Add(sample, prediction);
        var result = errors.Result();
        Assert.Equal((1200L, 50L), (result.Pixels, result.Wrong));
        // IoU: a 570/600, b 580/630, c 0/20.
        Assert.Equal(((570 / 600.0) + (580 / 630.0)) / 3, result.MeanIoU, 12);
        Assert.Equal(new SegmentedClass("a", 570 / 600.0, 30, 30, 570, 0), result.Classes[0]);
        Assert.Equal(new SegmentedClass("b", 580 / 630.0, 30, 0, 570, 20), result.Classes[1]);
        // The boundary right: a 600/600, b 580/600. The interior right: a 570/600, b 600/630, c neither there nor predicted.
        Assert.Equal(((1 + (580 / 600.0)) / 3) - result.MeanIoU, result.BoundaryGain, 12);
        Assert.Equal((((570 / 600.0) + (600 / 630.0)) / 2) - result.MeanIoU, result.InteriorGain, 12);
        Assert.Equal(
            (1, 2, 20L, 0L),
            (result.Pairs[0].Truth, result.Pairs[0].Predicted, result.Pairs[0].Pixels, result.Pairs[0].AtBoundary)
        );
        Assert.Equal(
            (0, 1, 30L, 30L),
            (result.Pairs[1].Truth, result.Pairs[1].Predicted, result.Pairs[1].Pixels, result.Pairs[1].AtBoundary)
        );
        Assert.Equal(result.InteriorGain, result.Pairs[0].Gain, 12);
        Assert.Equal(new BoundaryBand(1, 60, 30), result.Bands[0]);
        Assert.Equal(new BoundaryBand(8, 480, 30), result.Bands[3]);
        Assert.Equal(new BoundaryBand(32, 1200, 50), result.Bands[5]);
    }

    [Fact]
    public void MeanIoU_IsTheMetrics()
    {
        var (sample, prediction) = Scene();
        var errors = new SegmentationErrors(s_data);
        errors.Add(sample, prediction);
        var metric = new MeanIoUMetric(new MeanIoUOptions(Bootstrap: 0));
        metric.Reset(s_data);
        metric.Process([prediction], [sample]);
        Assert.Equal(metric.Compute()["mIoU"], errors.Result().MeanIoU, 12);
    }

    [Fact]
    public void IgnoredPixels_CountAsNothing_AndHideNoBoundary()
    {
        var (sample, prediction) = Scene();
        for (var y = 0; y < 30; y++)
            sample.Truth.SegmentationMap!.Bytes[(y * 40) + 20] = 255; // a line of ignored pixels between a and b
        var errors = new SegmentationErrors(s_data, new SegmentationErrorOptions(0.04)); // 2 pixels
        errors.Add(sample, prediction);
        var result = errors.Result();
        Assert.Equal(1170, result.Pixels);
        Assert.Equal((30L, 30L), (result.Classes[0].Boundary, result.Classes[1].Boundary)); // columns 19 and 21
    }
}
