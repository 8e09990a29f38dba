using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using static Tessera.Tests.Framework.Metrics.SegmentationScenes;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>Metrics of maps against scikit-learn (tests/Fixtures/metrics/make_segmentation.py), merged from parts, and the corners by
/// hand.</summary>
public class SegmentationMetricTests
{
    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Fixture.GetArrayLength())];

    [Theory, MemberData(nameof(Cases))]
    public void MeanIoU_OnFixture_EqualsScikitLearn(int index)
    {
        var (info, predictions, samples) = Read(index);
        var metric = new MeanIoUMetric(new MeanIoUOptions(Beta: 2));
        metric.Reset(info);
        metric.Process(predictions, samples);
        var values = metric.Compute();
        foreach (var expected in Fixture[index].GetProperty("expected").EnumerateObject())
            Assert.Equal(expected.Value.GetDouble(), values[expected.Name], 12);
        if (Fixture[index].GetProperty("missing") is { ValueKind: JsonValueKind.Number } missing)
        {
            var name = info.Classes[missing.GetInt32()];
            Assert.All(
                ["IoU", "Acc", "Dice", "Fscore", "Precision", "Recall"],
                kind => Assert.True(double.IsNaN(values[$"{kind}/{name}"]))
            );
            Assert.Contains(metric.Report().Notes, note => note.EndsWith($"left out of the means: {name}.", StringComparison.Ordinal));
            Assert.Contains("absent", metric.Report().Tables[0].Rows.Single(row => row[0] == name));
        }
        else
        {
            Assert.Empty(metric.Report().Notes);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void ConfusionMatrix_OfMaps_EqualsScikitLearn(int index)
    {
        var (info, predictions, samples) = Read(index);
        var metric = new ConfusionMatrixMetric(new ConfusionMatrixOptions());
        metric.Reset(info);
        metric.Process(predictions, samples);
        var expected = Fixture[index].GetProperty("confusion");
        for (var t = 0; t < info.Classes.Count; t++)
        for (var p = 0; p < info.Classes.Count; p++)
            Assert.Equal(expected[t][p].GetInt64(), metric.Counts[t, p]);
    }

    [Fact]
    public void MeanIoU_MergedInAnyOrder_IsTheWholeWithItsInterval()
    {
        var (info, predictions, samples) = Read(1);
        var options = new MeanIoUOptions(Bootstrap: 50, Seed: 3);
        MeanIoUMetric Of(params int[] images)
        {
            var metric = new MeanIoUMetric(options);
            metric.Reset(info);
            metric.Process([.. images.Select(i => predictions[i])], [.. images.Select(i => samples[i])]);
            return metric;
        }
        var (whole, merged) = (Of(0, 1, 2, 3), Of(2));
        merged.Merge(Of(3, 1).Save());
        merged.Merge(Of().Save());
        merged.Merge(Of(0).Save());
        Assert.Equal(whole.Compute(), merged.Compute());
    }

    [Fact]
    public void MeanIoU_ByHand()
    {
        // truth 0 0 1 1 ·, prediction 0 1 1 1 1: class 0 has TP 1, FN 1; class 1 TP 2, FP 1; the ignored pixel nothing.
        // Class 2 is predicted once on truth 1 in the second image: IoU 0, Acc undefined. Class 3 is nowhere.
        var values = Run(4, out var metric, (Map(0, 0, 1, 1, 255), Map(0, 1, 1, 1, 1)), (Map(1), Map(2)));
        Assert.Equal(0.5, values["IoU/c0"]);
        Assert.Equal(0.5, values["IoU/c1"]); // 2 / (2 + 1 + 1)
        Assert.Equal(0, values["IoU/c2"]);
        Assert.Equal(1.0 / 3, values["mIoU"], 15);
        Assert.Equal(0.6, values["aAcc"]);
        Assert.Equal((1.0 / 2 + 2.0 / 3) / 2, values["mAcc"], 15);
        Assert.True(double.IsNaN(values["Acc/c2"]) && double.IsNaN(values["IoU/c3"]));
        Assert.Equal(
            [
                "Neither in the truth nor predicted, so undefined (NaN) and left out of the means: c3.",
                "Predicted, but nowhere in the truth: IoU 0, Acc undefined (NaN): c2.",
            ],
            metric.Report().Notes
        );
    }

    [Fact]
    public void MeanIoU_OfNothing_IsNaN()
    {
        Assert.All(Run(2, out _).Values, value => Assert.True(double.IsNaN(value)));
        var values = Run(2, out var metric, (Map(255, 255), Map(0, 1)));
        Assert.All(values.Values, value => Assert.True(double.IsNaN(value)));
        Assert.Contains("1 of 1 images have only ignored pixels.", metric.Report().Notes);
    }

    [Fact]
    public void MeanIoU_Interval_HoldsTheValueAndNarrowsWithImages()
    {
        IReadOnlyDictionary<string, double> Of(int images) =>
            Run(2, out _, [.. Enumerable.Range(0, images).Select(i => (Map(0, 0, 1, 1), i % 2 == 0 ? Map(0, 0, 1, 1) : Map(0, 1, 1, 0)))]);
        var (few, many) = (Of(8), Of(200));
        foreach (var values in new[] { few, many })
            Assert.InRange(values["mIoU"], values["mIoU/low"], values["mIoU/high"]);
        Assert.True(many["mIoU/high"] - many["mIoU/low"] < few["mIoU/high"] - few["mIoU/low"]);
        // Half of the images have TP = both = 2 of each class, half TP 1, FP 1, FN 1: with a share q of the first,
        // IoU = (1 + q) / (3 - q); q's deviation over 200 draws is sqrt(1/4 / 200) = 0.0354.
        static double IoU(double q) => (1 + q) / (3 - q);
        Assert.Equal(IoU(0.5), many["mIoU"], 12);
        Assert.Equal(IoU(0.5 - (1.96 * 0.0354)), many["mIoU/low"], 0.01);
        Assert.Equal(IoU(0.5 + (1.96 * 0.0354)), many["mIoU/high"], 0.01);
        Assert.Equal(Of(8), few); // seeded
    }

    [Fact]
    public void MeanIoU_OneImage_HasAnIntervalOfNoWidth()
    {
        var values = Run(2, out _, (Map(0, 1), Map(0, 0)));
        Assert.Equal((values["mIoU"], values["mIoU"]), (values["mIoU/low"], values["mIoU/high"]));
    }

    [Fact]
    public void MeanIoU_TwoGigapixels_CountsExactly()
    {
        // 40 images of 65,536,000 equal pixels each would overflow 32 bits.
        var map = new Image(8000, 8192, 1);
        var metric = new MeanIoUMetric(new MeanIoUOptions(Bootstrap: 0));
        metric.Reset(Info(2));
        var sample = new Sample
        {
            Index = 0,
            Name = "large",
            Truth = { SegmentationMap = map },
        };
        for (var i = 0; i < 40; i++)
            metric.Process([new SegmentationPrediction(map)], [sample]);
        Assert.Equal(1, metric.Compute()["IoU/c0"]);
        Assert.True(double.IsNaN(metric.Compute()["IoU/c1"]));
    }
}
