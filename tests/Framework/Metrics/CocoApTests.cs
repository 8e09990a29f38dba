using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using static Tessera.Tests.Framework.Metrics.CocoScenes;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>CocoAp against pycocotools (tests/Fixtures/metrics/make_coco.py), merged from parts, its interval against slow drawing, and the
/// corners by hand.</summary>
public class CocoApTests
{
    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Fixture.GetArrayLength())];

    [Theory, MemberData(nameof(Cases))]
    public void CocoAp_OnFixture_EqualsPycocotools(int index)
    {
        var (info, predictions, samples) = Read(index);
        var values = Values(new CocoApOptions(PerClass: true, Bootstrap: 0), info, predictions, samples);
        foreach (var expected in Fixture[index].GetProperty("expected").EnumerateObject())
            AssertValue(expected.Value, values["bbox/" + expected.Name]);
        var classes = Fixture[index].GetProperty("classes");
        for (var c = 0; c < info.Classes.Count; c++)
            foreach (var expected in classes[c].EnumerateObject())
                AssertValue(expected.Value, values[$"bbox/{expected.Name}/{info.Classes[c]}"]);

        static void AssertValue(JsonElement expected, double value)
        {
            if (expected.ValueKind == JsonValueKind.Null)
                Assert.Equal(double.NaN, value);
            else
                Assert.InRange(value - expected.GetDouble(), -1e-12, 1e-12);
        }
    }

    [Fact]
    public void CocoAp_OfCornersInSinglePrecision_IsThatOfTheFile()
    {
        // The first case's numbers are multiples of 1/8, which single precision holds.
        var (info, predictions, samples) = Read(0);
        var singles = predictions.Select(prediction => (Prediction)((DetectionPrediction)prediction with { Stated = null })).ToArray();
        var options = new CocoApOptions(Bootstrap: 20);
        Assert.Equal(Values(options, info, predictions, samples), Values(options, info, singles, samples));
    }

    [Fact]
    public void CocoAp_MergedInAnyOrder_IsTheWholeWithItsIntervals()
    {
        var (info, predictions, samples) = Read(0);
        CocoApMetric Of(IEnumerable<int> images)
        {
            var metric = new CocoApMetric(new CocoApOptions(Bootstrap: 50, Seed: 3));
            metric.Reset(info);
            metric.Process([.. images.Select(i => predictions[i])], [.. images.Select(i => samples[i])]);
            return metric;
        }
        var merged = Of([3, 0]);
        merged.Merge(Of(Enumerable.Range(4, samples.Length - 4)).Save());
        merged.Merge(Of([]).Save());
        merged.Merge(Of([2, 1]).Save());
        Assert.Equal(Of(Enumerable.Range(0, samples.Length)).Compute(), merged.Compute());
    }

    [Fact]
    public void CocoAp_Intervals_AreThoseOfImagesDrawnAndEvaluatedAnew()
    {
        var (info, predictions, samples) = Read(1); // hardly any ties: their order depends on how often an image is drawn
        var values = Values(new CocoApOptions(Bootstrap: 40, Seed: 5), info, predictions, samples);
        var random = new RandomSource(5);
        var (ap, ap50) = (new List<double>(), new List<double>());
        for (var i = 0; i < 40; i++)
        {
            var drawn = samples.Select(_ => random.Next(samples.Length)).ToArray();
            var copies = drawn
                .Select(
                    (image, n) =>
                        new Sample
                        {
                            Index = n,
                            Name = $"{n}",
                            Truth = { BoxAnnotation = samples[image].Truth.BoxAnnotation },
                        }
                )
                .ToArray();
            var anew = Values(new CocoApOptions(Bootstrap: 0), info, [.. drawn.Select(image => predictions[image])], copies);
            ap.Add(anew["bbox/AP"]);
            ap50.Add(anew["bbox/AP50"]);
        }
        foreach (var (name, drawn) in new[] { ("bbox/AP", ap), ("bbox/AP50", ap50) })
        {
            drawn.Sort();
            // 2.5 % of 39 steps is 0.975 of the first, 97.5 % is 38.025.
            Assert.Equal(drawn[0] + (0.975 * (drawn[1] - drawn[0])), values[name + "/low"], 3);
            Assert.Equal(drawn[38] + (0.025 * (drawn[39] - drawn[38])), values[name + "/high"], 3);
            Assert.InRange(values[name], values[name + "/low"], values[name + "/high"]);
        }
    }

    [Fact]
    public void CocoAp_ByHand()
    {
        // Two objects. Detections, best first: on the first (IoU 1), beside all, on the second (IoU 0.7: up to threshold 0.7).
        // AP50: precision 1 up to recall 0.5 (51 of 101 points), then 2/3 (50 points). Above 0.7 the second is never found.
        var metric = new CocoApMetric(new CocoApOptions(Bootstrap: 0));
        var info = new DataInfo(["cat", "dog"], DataTask.Detection);
        var sample = Scene(new Boxes([0, 0, 10, 10, 50, 50, 60, 60], [0, 0], [false, false]));
        metric.Reset(info);
        metric.Process([new DetectionPrediction([0, 0, 10, 10, 80, 80, 90, 90, 50, 50, 60, 57], [0.9f, 0.8f, 0.7f], [0, 0, 0])], [sample]);
        var values = metric.Compute();
        var (both, one) = ((51 + (50 * 2.0 / 3)) / 101, 51 / 101.0);
        Assert.Equal(both, values["bbox/AP50"], 12);
        Assert.Equal(one, values["bbox/AP75"], 12);
        Assert.Equal(0.5, values["bbox/AR1"], 12);
        Assert.Equal(values["bbox/AP"], values["bbox/APs"]);
        Assert.Equal(double.NaN, values["bbox/APl"]);
        Assert.Equal(
            [
                "Without an object, so undefined (NaN) and left out of the means: dog.",
                "No object is medium (up to 96 x 96) or large, so what is said of that size is undefined (NaN).",
            ],
            metric.Report().Notes
        );
    }

    [Fact]
    public void CocoAp_ObjectsThatNothingCanFind_AreAskedFor_AsPycocotoolsHasIt()
    {
        // Four objects, two of them found: precision 1 up to recall 0.5, 51 of 101 points. One has no extent, one lies outside.
        var found = new BoxAnnotation([10, 10, 50, 50, 20, 80, 60, 60], [0, 0], [2500, 3600], [false, false], [false, false])
        {
            Unusable = new BoxAnnotation([100, 100, 0, 40, 310, 10, 20, 20], [0, 0], [0, 400], [false, false], [false, false]),
        };
        var info = new DataInfo(["cat"], DataTask.Detection);
        foreach (
            var metric in new Metric[]
            {
                new CocoApMetric(new CocoApOptions(Bootstrap: 0)),
                new VocApMetric(new VocApOptions(Bootstrap: 0)),
            }
        )
        {
            metric.Reset(info);
            metric.Process(
                [new DetectionPrediction([10, 10, 60, 60, 20, 80, 80, 140], [0.9f, 0.8f], [0, 0])],
                [
                    new Sample
                    {
                        Index = 0,
                        Name = "scene",
                        Truth = { BoxAnnotation = found },
                    },
                ]
            );
            var values = metric.Compute();
            Assert.Equal(metric is CocoApMetric ? 51 / 101.0 : 0.5, values[metric is CocoApMetric ? "bbox/AP" : "voc/mAP"], 12);
            Assert.Contains(
                "2 of 4 objects have no extent or lie outside their image: nothing can find them, and they count as not found.",
                metric.Report().Notes
            );
        }
    }

    [Fact]
    public void CocoAp_OfResizedImage_IsMeasuredOnTheOriginal()
    {
        // No annotation beside the boxes: they are moved back. Twice the size, then moved by the padding (4, 6).
        var sample = Scene(new Boxes([4 + 20, 6 + 40, 4 + 60, 6 + 80], [0], [false]));
        sample.Geometry = new Geometry(
            100,
            100,
            System.Numerics.Matrix3x2.CreateScale(2) * System.Numerics.Matrix3x2.CreateTranslation(4, 6)
        );
        var values = Values(
            new CocoApOptions(),
            new DataInfo(["cat"], DataTask.Detection),
            [new DetectionPrediction([10, 20, 30, 40], [0.5f], [0])],
            [sample]
        );
        Assert.Equal(1, values["bbox/AP"], 12);
    }

    [Fact]
    public void CocoAp_WithoutImages_IsUndefined()
    {
        var values = Values(new CocoApOptions(), new DataInfo(["cat"], DataTask.Detection), [], []);
        Assert.Equal(16, values.Count);
        Assert.All(values.Values, value => Assert.Equal(double.NaN, value));
    }

    [Theory]
    [InlineData(float.NaN, 0, 10f, "scene: the score of detection 0 is NaN, so nothing can be ranked by it.")]
    [InlineData(0.5f, 1, 10f, "scene: detection 0 is of class 1; the data has 1 class, 0 to 0.")]
    [InlineData(0.5f, -1, 10f, "scene: detection 0 is of class -1; the data has 1 class, 0 to 0.")]
    [InlineData(0.5f, 0, float.PositiveInfinity, "scene: the box of detection 0 is not finite.")]
    public void CocoAp_OfWhatIsNoDetection_SaysSo(float score, int label, float right, string message)
    {
        var prediction = new DetectionPrediction([0, 0, right, 10], [score], [label]);
        var sample = Scene(new Boxes([], [], []));
        var error = Assert.Throws<UserErrorException>(() =>
            Values(new CocoApOptions(), new DataInfo(["cat"], DataTask.Detection), [prediction], [sample])
        );
        Assert.Equal(message, error.Message);
    }

    [Fact]
    public void CocoAp_OfOtherData_SaysSo()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            new CocoApMetric(new CocoApOptions()).Reset(new DataInfo(["cat"], DataTask.Classification))
        );
        Assert.StartsWith(
            "The metric CocoAp is for detection data, the data is for classification.",
            error.Message,
            StringComparison.Ordinal
        );
    }
}
