using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>Against scikit-learn (tests/Fixtures/metrics/make.py), merged from parts, and the corners by hand.</summary>
public class MetricTests
{
    private static readonly JsonElement Fixture = FixtureFile.Json("metrics", "scikit-learn.json");

    public static TheoryData<string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var kind in Fixture.EnumerateObject())
                for (var i = 0; i < kind.Value.GetArrayLength(); i++)
                    cases.Add(kind.Name, i);
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Compute_OnFixture_EqualsScikitLearn(string kind, int index)
    {
        var (info, predictions, samples, expected) = Read(kind, index);
        var values = new Dictionary<string, double>();
        foreach (var metric in MetricsFor(kind, info))
        {
            metric.Reset(info);
            metric.Process(predictions, samples);
            foreach (var (name, value) in metric.Compute())
                values.Add(name, value);
        }
        foreach (var (name, value) in expected)
            Assert.True(
                Math.Abs(value - values[name]) < 1e-9 * Math.Max(1, Math.Abs(value)),
                $"{name}: {values[name]}, scikit-learn says {value}"
            );
    }

    [Theory, MemberData(nameof(Cases))]
    public void Merge_OfThreeParts_EqualsTheWhole(string kind, int index)
    {
        var (info, predictions, samples, _) = Read(kind, index);
        foreach (var (whole, merged) in MetricsFor(kind, info).Zip(MetricsFor(kind, info)))
        {
            whole.Reset(info);
            whole.Process(predictions, samples);
            merged.Reset(info);
            merged.Process(predictions.Take(7).ToArray(), samples.Take(7).ToArray());
            foreach (var part in new[] { 7..20, 20..samples.Length })
            {
                var other = MetricsFor(kind, info).Single(m => m.GetType() == merged.GetType());
                other.Reset(info);
                other.Process(predictions.Take(part).ToArray(), samples.Take(part).ToArray());
                merged.Merge(other.Save());
            }
            foreach (var (name, value) in whole.Compute())
                Assert.Equal(value, merged.Compute()[name], 9);
        }
    }

    [Fact]
    public void ConfusionMatrix_OnFixture_EqualsScikitLearn()
    {
        var (info, predictions, samples, _) = Read("single", 0);
        var metric = new ConfusionMatrixMetric(new ConfusionMatrixOptions());
        metric.Reset(info);
        metric.Process(predictions, samples);
        var expected = Fixture.GetProperty("single")[0].GetProperty("confusion");
        for (var t = 0; t < 5; t++)
        for (var p = 0; p < 5; p++)
            Assert.Equal(expected[t][p].GetInt64(), metric.Counts[t, p]);
    }

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
        Assert.Equal(((1 + 2.0 / 3) / 2 + 0.5) / 2, metric.Compute()["mAP/samples"], 12);
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

    private static DataInfo Classes(int count) => new(Enumerable.Range(0, count).Select(c => $"c{c}").ToArray(), DataTask.Classification);

    private static Sample Labelled(int label) =>
        new()
        {
            Index = 0,
            Name = $"sample {label}",
            Truth = { Label = label },
        };

    private static Sample Hot(params float[] labels) =>
        new()
        {
            Index = 0,
            Name = "sample",
            Truth = { MultiLabel = labels },
        };

    private static Metric[] MetricsFor(string kind, DataInfo info) =>
        kind switch
        {
            "regression" => [new RegressionMetric()],
            "multi" =>
            [
                new PrecisionRecallF1Metric(new PrecisionRecallF1Options()),
                new AveragePrecisionMetric(new AveragePrecisionOptions(true)),
                new AurocMetric(new AurocOptions(true)),
            ],
            _ =>
            [
                new AccuracyMetric(new AccuracyOptions(Enumerable.Range(1, Math.Min(3, info.Classes.Count)).ToArray())),
                new PrecisionRecallF1Metric(new PrecisionRecallF1Options(PerClass: true)),
                new ConfusionMatrixMetric(new ConfusionMatrixOptions()),
                new AveragePrecisionMetric(new AveragePrecisionOptions()),
                new AurocMetric(new AurocOptions()),
            ],
        };

    private static (DataInfo Info, Prediction[] Predictions, Sample[] Samples, Dictionary<string, double> Expected) Read(
        string kind,
        int index
    )
    {
        var fixture = Fixture.GetProperty(kind)[index];
        var expected = fixture.GetProperty("expected").EnumerateObject().ToDictionary(e => e.Name, e => e.Value.GetDouble());
        var rows = Rows(fixture.GetProperty(kind == "regression" ? "guess" : "scores"));
        var info = Classes(rows[0].Length) with
        {
            Task = kind switch
            {
                "multi" => DataTask.MultiLabel,
                "regression" => DataTask.Regression,
                _ => DataTask.Classification,
            },
        };
        Prediction[] predictions =
            kind == "regression"
                ? [.. rows.Select(row => new RegressionPrediction(row))]
                : [.. rows.Select(row => new ClassPrediction(row, Array.IndexOf(row, row.Max())))];
        Sample[] samples = kind switch
        {
            "multi" => [.. Rows(fixture.GetProperty("present")).Select(Hot)],
            "regression" =>
            [
                .. Rows(fixture.GetProperty("truth"))
                    .Select(row => new Sample
                    {
                        Index = 0,
                        Name = "sample",
                        Truth = { Targets = row },
                    }),
            ],
            _ => [.. fixture.GetProperty("labels").EnumerateArray().Select(label => Labelled(label.GetInt32()))],
        };
        return (info, predictions, samples, expected);
    }

    private static float[][] Rows(JsonElement rows) =>
        [.. rows.EnumerateArray().Select(row => row.EnumerateArray().Select(v => v.GetSingle()).ToArray())];
}
