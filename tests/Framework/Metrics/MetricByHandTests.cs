using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using static Tessera.Tests.Framework.Metrics.MetricScenes;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>Metrics of classes and numbers against arithmetic by hand.</summary>
public sealed class MetricByHandTests
{
    [Fact]
    public void Accuracy_OfEqualScores_PrefersTheLowerIndex()
    {
        var metric = new AccuracyMetric(new AccuracyOptions([1, 2]));
        metric.Reset(Classes(3));
        metric.Process(
            [new ClassPrediction([0.2f, 0.4f, 0.4f], 1), new ClassPrediction([0.2f, 0.4f, 0.4f], 1)],
            [Labelled(1), Labelled(2)]
        );
        Assert.Equal(0.5, metric.Compute()["accuracy/top1"]);
        Assert.Equal(1.0, metric.Compute()["accuracy/top2"]);
    }

    [Fact]
    public void Accuracy_OfNaNScores_IsNeverRight()
    {
        var metric = new AccuracyMetric(new AccuracyOptions());
        metric.Reset(Classes(2));
        metric.Process([new ClassPrediction([float.NaN, float.NaN], 0)], [Labelled(0)]);
        Assert.Equal(0.0, metric.Compute()["accuracy/top1"]);
    }

    [Fact]
    public void AveragePrecision_ByHand()
    {
        // From the top: right, wrong, right; recall gains 1/2 at precision 1 and 1/2 at precision 2/3.
        var metric = new AveragePrecisionMetric(new AveragePrecisionOptions(PerClass: true));
        metric.Reset(new DataInfo(["a", "never"], DataTask.MultiLabel));
        metric.Process(
            [new ClassPrediction([0.9f, 0.1f], 0), new ClassPrediction([0.8f, 0.1f], 0), new ClassPrediction([0.7f, 0.1f], 0)],
            [Hot(1, 0), Hot(0, 0), Hot(1, 0)]
        );
        Assert.Equal(0.5 + 0.5 * 2 / 3, metric.Compute()["mAP/class/a"], 12);
        Assert.True(double.IsNaN(metric.Compute()["mAP/class/never"]));
        Assert.Equal(metric.Compute()["mAP/class/a"], metric.Compute()["mAP"]); // the undefined class is left out
    }

    [Fact]
    public void AveragePrecision_OverSamples_ByHand()
    {
        // The first sample's classes from the top: right, wrong, right: (1 + 2/3) / 2. The second: wrong, right, wrong: 1/2. The third has
        // none.
        var metric = new AveragePrecisionMetric(new AveragePrecisionOptions());
        metric.Reset(new DataInfo(["a", "b", "c"], DataTask.MultiLabel));
        metric.Process(
            [
                new ClassPrediction([0.9f, 0.8f, 0.1f], 0),
                new ClassPrediction([0.3f, 0.2f, 0.1f], 0),
                new ClassPrediction([0.3f, 0.2f, 0.1f], 0),
            ],
            [Hot(1, 0, 1), Hot(0, 1, 0), Hot(0, 0, 0)]
        );
        Assert.Equal(((1 + 2.0 / 3) / 2 + 0.5) / 2, metric.Compute()["per_image_AP"], 12);
    }

    /// <summary>
    /// Each image's class comes first in its image: 1. Over images, class a has 0.9 (right), 0.7 (wrong), 0.6 (right): (1 + 2/3) / 2; class b
    /// 0.8 (right) first: 1. The mean of these is 11/12.
    /// </summary>
    [Fact]
    public void AveragePrecision_OverImages_HidesWhatTheOneOverClassesShows()
    {
        var metric = new AveragePrecisionMetric(new AveragePrecisionOptions(PerClass: true));
        metric.Reset(new DataInfo(["a", "b"], DataTask.MultiLabel));
        metric.Process(
            [new ClassPrediction([0.9f, 0.1f], 0), new ClassPrediction([0.6f, 0.5f], 0), new ClassPrediction([0.7f, 0.8f], 1)],
            [Hot(1, 0), Hot(1, 0), Hot(0, 1)]
        );
        var values = metric.Compute();
        Assert.Equal(1, values["per_image_AP"], 12);
        Assert.Equal(11 / 12.0, values["mAP"], 12);
        Assert.Equal(5 / 6.0, values["mAP/class/a"], 12);
        Assert.Equal(1, values["mAP/class/b"], 12);
    }

    [Fact]
    public void PrecisionRecallF1_AbsentClasses_AreLeftOutAndSaidToBeAbsent()
    {
        var metric = new PrecisionRecallF1Metric(new PrecisionRecallF1Options(PerClass: true));
        metric.Reset(Classes(4));
        metric.Process([new ClassPrediction([1, 0, 0, 0], 0), new ClassPrediction([0, 1, 0, 0], 1)], [Labelled(0), Labelled(1)]);
        var values = metric.Compute();
        foreach (var name in (string[])["precision/macro", "recall/macro", "f1/macro", "f1/micro", "f1/class/c1"])
            Assert.Equal(1.0, values[name]);
        Assert.True(double.IsNaN(values["f1/class/c2"]));
        Assert.Equal(["c2", "absent", "absent", "absent", "0"], metric.Report().Tables[0].Rows[2]);
        Assert.Equal(["Neither in the truth nor predicted, so left out of the macro averages: c2, c3."], metric.Report().Notes);
    }

    [Fact]
    public void PrecisionRecallF1_MultiLabel_LeavesAbsentClassesOut()
    {
        // Class b is neither there nor predicted; c is there once and never found: 0, and counted.
        var metric = new PrecisionRecallF1Metric(new PrecisionRecallF1Options());
        metric.Reset(new DataInfo(["a", "b", "c"], DataTask.MultiLabel));
        metric.Process(
            [new ClassPrediction([0.9f, 0.1f, 0.1f], 0), new ClassPrediction([0.8f, 0.1f, 0.2f], 0)],
            [Hot(1, 0, 0), Hot(1, 0, 1)]
        );
        Assert.Equal(0.5, metric.Compute()["f1/macro"]);
    }

    [Fact]
    public void Ranking_OfANaNScore_IsUndefined()
    {
        foreach (
            var metric in new Metric[] { new AveragePrecisionMetric(new AveragePrecisionOptions()), new AurocMetric(new AurocOptions()) }
        )
        {
            metric.Reset(Classes(3));
            metric.Process(
                [new ClassPrediction([float.NaN, 0.5f, 0.1f], 0), new ClassPrediction([0.1f, 0.9f, 0.5f], 1)],
                [Labelled(0), Labelled(1)]
            );
            Assert.All(metric.Compute().Values, value => Assert.True(double.IsNaN(value)));
        }
    }

    [Fact]
    public void Regression_ConstantTarget_IsLeftOutOfR2()
    {
        var metric = new RegressionMetric();
        metric.Reset(new DataInfo(["age", "flat"], DataTask.Regression));
        metric.Process(
            [new RegressionPrediction([1, 5]), new RegressionPrediction([3, 5])],
            [
                new Sample
                {
                    Index = 0,
                    Name = "a",
                    Truth = { Targets = [1, 5] },
                },
                new Sample
                {
                    Index = 1,
                    Name = "b",
                    Truth = { Targets = [3, 5] },
                },
            ]
        );
        Assert.Equal(1.0, metric.Compute()["r2"]);
        Assert.Contains("left out of the mean: flat.", Assert.Single(metric.Report().Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Process_OfALabelOutOfRange_NamesTheSample()
    {
        var metric = new AccuracyMetric(new AccuracyOptions());
        metric.Reset(Classes(2));
        var error = Assert.Throws<UserErrorException>(() => metric.Process([new ClassPrediction([1, 0], 0)], [Labelled(2)]));
        Assert.Equal("sample 2 is labelled 2; the data has 2 classes, 0 to 1.", error.Message);
    }

    [Fact]
    public void Reset_WithMoreTopKThanClasses_IsAnError() =>
        Assert.Throws<UserErrorException>(() => new AccuracyMetric(new AccuracyOptions([1, 5])).Reset(Classes(3)));
}
