using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Analysis;
using Tessera.Framework.Models;

namespace Tessera.Tests.Framework.Metrics.Analysis;

/// <summary>Against the TIDE tool and pycocotools (tests/Fixtures/metrics/make_detection_errors.py), and scenes with one error of each
/// kind.</summary>
public class DetectionErrorTests
{
    private static readonly JsonElement s_fixture = FixtureFile.Json("metrics", "detection-errors.json");

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, s_fixture.GetArrayLength())];

    [Theory, MemberData(nameof(Cases))]
    public void Tide_OnFixture_IsTheTools(int index)
    {
        var result = Tide(index).Result();
        var expected = s_fixture[index].GetProperty("tide");
        Near(expected.GetProperty("ap"), result.Ap);
        foreach (var kind in Enum.GetValues<DetectionError>())
        {
            Assert.Equal(expected.GetProperty("counts").GetProperty($"{kind}").GetInt64(), result.Counts[kind]);
            Near(expected.GetProperty("gains").GetProperty($"{kind}"), result.Gains[kind]);
            Assert.Equal(result.Counts[kind], result.Classes.Sum(ofClass => ofClass.Counts[kind]));
        }
        Near(expected.GetProperty("false_positive"), result.FalsePositiveGain);
        Near(expected.GetProperty("false_negative"), result.FalseNegativeGain);
        Assert.Equal(result.Counts[DetectionError.Classification], result.Confusions.Sum(pair => pair.Count));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Tide_WithEverythingPutRight_IsPerfect(int index)
    {
        var tide = Tide(index);
        var right = tide.ApWithout(Enum.GetValues<DetectionError>());
        // A class that is predicted and never there has no box left then, and doesn't count.
        Assert.Equal(1, right, 12);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Curves_OnFixture_ArePycocotools(int index)
    {
        var (info, predictions, samples) = CocoScenes.Read(s_fixture[index]);
        var categories = s_fixture[index].GetProperty("categories").EnumerateArray().Select(id => id.GetInt32()).ToList();
        int[][] groups =
        [
            .. s_fixture[index]
                .GetProperty("groups")
                .EnumerateArray()
                .Select(group => group.EnumerateArray().Select(id => categories.IndexOf(id.GetInt32())).ToArray()),
        ];
        var curves = new CocoErrorCurves(info, groups);
        for (var i = 0; i < samples.Length; i++)
            curves.Add(samples[i], predictions[i]);
        var expected = s_fixture[index].GetProperty("curves");
        for (var c = 0; c < info.Classes.Count; c++)
        for (var area = 0; area < CocoErrorCurves.Areas.Count; area++)
        {
            var found = curves.OfClass(c, area);
            if (expected[c][area].ValueKind == JsonValueKind.Null)
            {
                Assert.Null(found);
                continue;
            }
            foreach (var step in Enum.GetValues<CocoErrorStep>())
            {
                var numbers = expected[c][area].GetProperty($"{step}");
                for (var r = 0; r <= 10; r++)
                    Near(numbers[r], found![step][10 * r]);
                Near(numbers[11], found![step].Average());
            }
        }
    }

    [Fact]
    public void Curves_NeverFallAsMoreIsForgiven()
    {
        var (info, predictions, samples) = CocoScenes.Read(s_fixture[0]);
        var curves = new CocoErrorCurves(
            info,
            [
                [0, 1],
            ]
        );
        for (var i = 0; i < samples.Length; i++)
            curves.Add(samples[i], predictions[i]);
        var means = Enum.GetValues<CocoErrorStep>().Select(step => curves.Mean(0)![step].Average()).ToArray();
        Assert.Equal(means.Order(), means);
        Assert.Equal(1, means[^1], 12);
    }

    // An object at (0, 0, 100, 100) of class 0, another of class 1 far away that is found, and one box more.
    [Theory]
    [InlineData(0f, 0f, 100f, 100f, 1, DetectionError.Classification, 1)]
    [InlineData(60f, 0f, 160f, 100f, 0, DetectionError.Localisation, 1)] // IoU 40 / 160
    [InlineData(60f, 0f, 160f, 100f, 1, DetectionError.Both, 1)]
    [InlineData(500f, 500f, 600f, 600f, 0, DetectionError.Background, 1)]
    [InlineData(95f, 95f, 195f, 195f, 0, DetectionError.Background, 1)] // IoU 25 / 19975
    [InlineData(302f, 300f, 402f, 400f, 1, DetectionError.Duplicate, 1)]
    public void OneBoxMore_IsOneErrorOfItsKind(float x1, float y1, float x2, float y2, int label, DetectionError kind, int times)
    {
        var result = Scene([x1, y1, x2, y2], label);
        var errors = result.Counts.Where(count => count.Value > 0).ToDictionary(count => count.Key, count => count.Value);
        Assert.Equal(times, errors[kind]);
        var explained = kind is DetectionError.Classification or DetectionError.Localisation;
        Assert.Equal(explained ? 0 : 1, result.Counts[DetectionError.Missed]);
        Assert.Equal(explained ? 1 : 2, errors.Count);
    }

    [Fact]
    public void ClassificationError_IsToldAsAPair() => Assert.Equal([(0, 1, 1L)], Scene([0, 0, 100, 100], 1).Confusions);

    private static TideResult Scene(float[] box, int label)
    {
        var tide = new TideAnalysis(new DataInfo(["a", "b"], DataTask.Detection));
        tide.Add(
            CocoScenes.Scene(new Boxes([0, 0, 100, 100, 300, 300, 400, 400], [0, 1], new bool[2])),
            new DetectionPrediction([300, 300, 400, 400, .. box], [0.9f, 0.5f], [1, label])
        );
        return tide.Result();
    }

    private static TideAnalysis Tide(int index)
    {
        var (info, predictions, samples) = CocoScenes.Read(s_fixture[index]);
        var tide = new TideAnalysis(info);
        for (var i = 0; i < samples.Length; i++)
            tide.Add(samples[i], predictions[i]);
        return tide;
    }

    private static void Near(JsonElement expected, double value) => Assert.InRange(value - expected.GetDouble(), -1e-9, 1e-9);
}
