using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using static Tessera.Tests.Framework.Metrics.MetricScenes;

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
