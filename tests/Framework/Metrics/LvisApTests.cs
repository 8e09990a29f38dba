using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Tests.Framework.Data;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>LvisAp against lvis-api (tests/Fixtures/metrics/make_lvis.py), by hand, merged from parts, and what can't be measured.</summary>
public class LvisApTests
{
    private static readonly JsonElement s_fixture = FixtureFile.Json("metrics", "lvis.json");

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void LvisAp_OfBoxes_EqualsLvisApi(int index) => AssertEqual(s_fixture.GetProperty("boxes")[index], CocoIouType.Bbox);

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void LvisAp_OfMasks_EqualsLvisApi(int index) => AssertEqual(s_fixture.GetProperty("masks")[index], CocoIouType.Segm);

    /// <summary>One image: a cat, found; dogs were looked for in vain, so a dog is a mistake; nobody looked for cows, so a cow is nothing;
    /// not every bird has a box, so a stray bird is nothing either.</summary>
    [Fact]
    public void LvisAp_ByHand()
    {
        var info = new DataInfo(["cat", "dog", "cow", "bird"], DataTask.Detection)
        {
            Frequencies = [ClassFrequency.Rare, ClassFrequency.Common, ClassFrequency.Frequent, ClassFrequency.Frequent],
        };
        var truth = new BoxAnnotation([0, 0, 50, 50, 60, 60, 20, 20], [0, 3], [2500, 400], new bool[2], new bool[2])
        {
            VerifiedLabels = [1],
            NotExhaustiveLabels = [3],
        };
        // The stray bird scores more than the one that is there: as a mistake it would halve the precision.
        var found = new DetectionPrediction(
            [0, 0, 50, 50, 0, 0, 50, 50, 0, 0, 50, 50, 100, 100, 120, 120, 60, 60, 80, 80],
            [0.5f, 0.9f, 0.9f, 0.9f, 0.4f],
            [0, 1, 2, 3, 3]
        );
        var values = Values(info, [found], [Sample(truth)], new LvisApOptions(PerClass: true));
        foreach (var name in (string[])["bbox/APr", "bbox/APf", "bbox/AP"])
            Assert.Equal(1, values[name], 12);
        Assert.Equal(double.NaN, values["bbox/APc"]); // no dog is there
        Assert.Equal(double.NaN, values["bbox/AP/cow"]);
        var exhaustive = Values(info, [found], [Sample(truth with { NotExhaustiveLabels = [] })], new LvisApOptions(PerClass: true));
        Assert.Equal(0.5, exhaustive["bbox/AP/bird"], 12);
        Assert.Equal(0.75, exhaustive["bbox/AP"], 12);
        // With a dog somewhere else, the dog that isn't there counts: of two detections the second is right.
        var second = new BoxAnnotation([0, 0, 50, 50], [1], [2500], [false], [false]) { VerifiedLabels = [] };
        var right = new DetectionPrediction([0, 0, 50, 50], [0.3f], [1]);
        Assert.Equal(0.5, Values(info, [found, right], [Sample(truth), Sample(second, 1)])["bbox/APc"], 12);
    }

    [Fact]
    public void LvisAp_MergedInAnyOrder_IsTheWhole_AndRedrawnOnceIsItself()
    {
        var (info, predictions, samples) = Read(s_fixture.GetProperty("boxes")[0], CocoIouType.Bbox);
        LvisApMetric Of(IEnumerable<int> images)
        {
            var metric = new LvisApMetric(new(PerClass: true, Bootstrap: 20));
            metric.Reset(info);
            metric.Process([.. images.Select(i => predictions[i])], [.. images.Select(i => samples[i])]);
            return metric;
        }
        var all = Enumerable.Range(0, samples.Length).ToArray();
        var merged = Of(all.Where(i => i % 3 == 1).Reverse());
        merged.Merge(Of(all.Where(i => i % 3 == 0)).Save());
        merged.Merge(Of([]).Save());
        merged.Merge(Of(all.Where(i => i % 3 == 2)).Save());
        var whole = Of(all);
        Assert.Equal(whole.Compute(), merged.Compute());
        Assert.True(whole.Compute()["bbox/AP/low"] < whole.Compute()["bbox/AP/high"]);
        Assert.Equal(whole.Report().Notes, merged.Report().Notes);
        Assert.Contains("1 of 6 classes have no object", whole.Report().Notes[0], StringComparison.Ordinal);
        Assert.Equal(info.Classes.Count, Assert.Single(whole.Report().Tables).Rows.Count);
        foreach (var name in (string[])["bbox/AP", "bbox/AP50", "bbox/AP75", "bbox/APr", "bbox/APf"])
            Assert.Equal(whole.Compute()[name], ((IRedrawsImages)merged).Redraws(name)!([.. all.Select(_ => 1)]), 12);
        Assert.Null(((IRedrawsImages)merged).Redraws("bbox/AR300"));
    }

    [Fact]
    public void LvisAp_WithoutFrequencies_OrOfBoundaries_SaysWhatItNeeds()
    {
        var metric = new LvisApMetric(new());
        var said = Assert.Throws<UserErrorException>(() => metric.Reset(new DataInfo(["cat"], DataTask.Detection))).Message;
        Assert.Contains("LvisDetection", said, StringComparison.Ordinal);
        Assert.Contains(
            "boundaries",
            Assert.Throws<UserErrorException>(() => new LvisApMetric(new(Types: [CocoIouType.Boundary]))).Message
        );
        Assert.Contains("twice", Assert.Throws<UserErrorException>(() => new LvisApMetric(new(Types: [default, default]))).Message);
        Assert.Throws<UserErrorException>(() => metric.Reset(new DataInfo(["cat"], DataTask.Classification)));
    }

    private static void AssertEqual(JsonElement json, CocoIouType type)
    {
        var (info, predictions, samples) = Read(json, type);
        var values = Values(info, predictions, samples, new LvisApOptions(PerClass: true, Types: [type]));
        var prefix = type.ToString().ToLowerInvariant();
        foreach (var value in json.GetProperty("expected").EnumerateObject())
            AssertValue(value.Name, value.Value);
        for (var c = 0; c < info.Classes.Count; c++)
            foreach (var value in json.GetProperty("classes")[c].EnumerateObject())
                AssertValue($"{value.Name}/{info.Classes[c]}", value.Value);
        Assert.Equal(13, json.GetProperty("expected").EnumerateObject().Count());

        void AssertValue(string name, JsonElement expected)
        {
            var value = values[$"{prefix}/{name}"];
            if (expected.ValueKind == JsonValueKind.Null)
                Assert.Equal(double.NaN, value);
            else
                Assert.InRange(value - expected.GetDouble(), -1e-12, 1e-12);
        }
    }

    private static (DataInfo Info, Prediction[] Predictions, Sample[] Samples) Read(JsonElement json, CocoIouType type)
    {
        var (info, predictions, samples) = type == CocoIouType.Bbox ? CocoScenes.Read(json) : MaskScenes.Scene(json);
        var categories = json.GetProperty("categories").EnumerateArray().Select(id => id.GetInt32()).ToList();
        for (var i = 0; i < samples.Length; i++)
            samples[i].Truth.BoxAnnotation = samples[i].Truth.BoxAnnotation! with
            {
                VerifiedLabels = Labels("negative", i),
                NotExhaustiveLabels = Labels("not_exhaustive", i),
            };
        return (
            info with
            {
                Frequencies = [.. json.GetProperty("frequencies").EnumerateArray().Select(letter => Frequency(letter.GetString()!))],
            },
            predictions,
            samples
        );

        int[] Labels(string key, int image) =>
            [.. json.GetProperty(key)[image].EnumerateArray().Select(id => categories.IndexOf(id.GetInt32()))];

        static ClassFrequency Frequency(string letter) =>
            letter switch
            {
                "r" => ClassFrequency.Rare,
                "c" => ClassFrequency.Common,
                _ => ClassFrequency.Frequent,
            };
    }

    private static IReadOnlyDictionary<string, double> Values(
        DataInfo info,
        Prediction[] predictions,
        Sample[] samples,
        LvisApOptions? options = null
    )
    {
        var metric = new LvisApMetric(options ?? new());
        metric.Reset(info);
        metric.Process(predictions, samples);
        return metric.Compute();
    }

    private static Sample Sample(BoxAnnotation truth, int index = 0) =>
        new()
        {
            Index = index,
            Name = $"{index}",
            Truth = { BoxAnnotation = truth },
        };
}
