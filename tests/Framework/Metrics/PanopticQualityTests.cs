using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>Against panopticapi's numbers (make_panoptic.py), a slow form, and arithmetic by hand.</summary>
public sealed class PanopticQualityTests
{
    private static readonly DataInfo s_three = new(["cat", "dog", "sky"], DataTask.Panoptic) { Things = [true, true, false] };

    [Fact]
    public void Compute_ScenesWithCrowdsAndVoid_IsPanopticapis()
    {
        var fixture = FixtureFile.Json("metrics", "panoptic.json");
        var (info, predictions, samples) = Read(fixture);
        var metric = new PanopticQualityMetric(new PanopticQualityOptions(Bootstrap: 0));
        metric.Reset(info);
        metric.Process(predictions, samples);
        var values = metric.Compute();
        var result = fixture.GetProperty("result");
        foreach (var (name, suffix) in new[] { ("all", ""), ("things", "_th"), ("stuff", "_st") })
        foreach (var figure in new[] { "pq", "sq", "rq" })
            Assert.Equal(result.GetProperty(name).GetProperty(figure).GetDouble(), values[figure.ToUpperInvariant() + suffix], 1e-12);
        foreach (var entry in result.GetProperty("classes").EnumerateObject())
        {
            string[] figures = ["PQ", "SQ", "RQ"];
            foreach (var (f, figure) in figures.Index())
                if (entry.Name == "never")
                    Assert.Equal(double.NaN, values[$"{figure}/never"]);
                else
                    Assert.Equal(entry.Value[f].GetDouble(), values[$"{figure}/{entry.Name}"], 1e-12);
        }
    }

    [Fact]
    public void Compute_InTwoProcesses_IsTheSame_ToTheLastBit()
    {
        var (info, predictions, samples) = Read(FixtureFile.Json("metrics", "panoptic.json"));
        var metrics = Enumerable.Range(0, 3).Select(_ => new PanopticQualityMetric(new PanopticQualityOptions(Bootstrap: 20))).ToArray();
        foreach (var metric in metrics)
            metric.Reset(info);
        metrics[0].Process(predictions, samples);
        for (var i = samples.Length - 1; i >= 0; i--)
            metrics[1 + (i % 2)].Process([predictions[i]], [samples[i]]);
        metrics[1].Merge(metrics[2].Save());
        Assert.Equal(metrics[0].Compute(), metrics[1].Compute());
    }

    [Fact]
    public void Compute_RandomMaps_IsTheSlowForm()
    {
        var random = new RandomSource(7);
        for (var round = 0; round < 60; round++)
        {
            var (height, width) = (random.Next(3, 9), random.Next(3, 9));
            var (truth, found) = (Random(random, height, width, crowds: true), Random(random, height, width, crowds: false));
            var metric = new PanopticQualityMetric(new PanopticQualityOptions(Bootstrap: 0));
            metric.Reset(s_three);
            metric.Process([new PanopticPrediction(found)], [SampleOf(truth)]);
            var values = metric.Compute();
            for (var c = 0; c < 3; c++)
                Assert.Equal(Slow(truth, found, c), values[$"PQ/{s_three.Classes[c]}"], 1e-12);
        }
    }

    [Fact]
    public void Compute_ByHand()
    {
        // Ten pixels in a row. Truth: cat on 0 to 3, sky on 4 to 7, nothing on 8 and 9. Found: cat on 0 to 2, sky on 3 to 9.
        // Cat: 3 of 4 overlap, 0.75. Sky: 4 pixels shared, union 7 + 4 - 4 - 2 (void) = 5, 0.8. A dog that isn't there: none predicted.
        var truth = Row([0, 0, 0, 0, 1, 1, 1, 1, PanopticMap.Void, PanopticMap.Void], new(0), new(2));
        var found = Row([0, 0, 0, 1, 1, 1, 1, 1, 1, 1], new(0), new(2));
        var metric = new PanopticQualityMetric(new PanopticQualityOptions(Bootstrap: 0));
        metric.Reset(s_three);
        metric.Process([new PanopticPrediction(found)], [SampleOf(truth)]);
        var values = metric.Compute();
        Assert.Equal(0.75, values["PQ/cat"], 1e-12);
        Assert.Equal(0.8, values["PQ/sky"], 1e-12);
        Assert.Equal(double.NaN, values["PQ/dog"]);
        Assert.Equal(0.775, values["PQ"], 1e-12);
        Assert.Equal(0.75, values["PQ_th"], 1e-12);
        Assert.Equal(1, values["RQ_st"], 1e-12);
        var table = Assert.Single(metric.Report().Tables);
        Assert.Equal(["dog", "thing", "absent", "absent", "absent", "0", "0", "0"], table.Rows[1]);
    }

    [Fact]
    public void Process_WhatIsNoPanopticMap_IsTheUsersMistake()
    {
        var metric = new PanopticQualityMetric(new PanopticQualityOptions());
        Assert.Contains(
            "For it there are MeanIoU",
            Assert.Throws<UserErrorException>(() => metric.Reset(new DataInfo(["a"], DataTask.Segmentation))).Message,
            StringComparison.Ordinal
        );
        metric.Reset(s_three);
        var map = Row([0, 0], new PanopticSegment(1));
        Assert.Contains("no panoptic map for image", Throws(new RegressionPrediction([]), SampleOf(map)), StringComparison.Ordinal);
        Assert.Contains(
            "LoadPanoptic",
            Throws(new PanopticPrediction(map), new Sample { Index = 0, Name = "image" }),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "is 2 x 1, the prediction 3 x 1",
            Throws(new PanopticPrediction(Row([0, 0, 0], new PanopticSegment(1))), SampleOf(map)),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "predicts class 3",
            Throws(new PanopticPrediction(Row([0, 0], new PanopticSegment(3))), SampleOf(map)),
            StringComparison.Ordinal
        );

        string Throws(Prediction prediction, Sample sample) =>
            Assert.Throws<UserErrorException>(() => metric.Process([prediction], [sample])).Message;
    }

    /// <summary>Every pair of segments as sets of pixels; the paper's definition with panopticapi's rules, word by word.</summary>
    private static double Slow(PanopticMap truth, PanopticMap found, int label)
    {
        var (t, p) = (Sets(truth), Sets(found));
        var nothing = Enumerable.Range(0, truth.Height * truth.Width).Except(t.SelectMany(set => set)).ToHashSet();
        var (overlap, tp, fp, fn) = (0.0, 0, 0, 0);
        var crowd = Enumerable
            .Range(0, t.Length)
            .LastOrDefault(i => truth.Segments[i] is { Crowd: true } one && one.Label == label && t[i].Count > 0, -1);
        var paired = new HashSet<int>();
        for (var i = 0; i < t.Length; i++)
        {
            if (truth.Segments[i].Label != label || truth.Segments[i].Crowd || t[i].Count == 0)
                continue;
            var pair = Enumerable
                .Range(0, p.Length)
                .Where(j => found.Segments[j].Label == label)
                .Select(j => (j, IoU: (double)t[i].Intersect(p[j]).Count() / t[i].Union(p[j].Except(nothing)).Count()))
                .FirstOrDefault(entry => entry.IoU > 0.5, (-1, 0));
            if (pair.j < 0)
                fn++;
            else
                (tp, overlap) = (tp + 1, overlap + pair.IoU);
            paired.Add(pair.j);
        }
        for (var j = 0; j < p.Length; j++)
            if (found.Segments[j].Label == label && p[j].Count > 0 && !paired.Contains(j))
            {
                var excused = p[j].Count(pixel => nothing.Contains(pixel) || (crowd >= 0 && t[crowd].Contains(pixel)));
                if (excused * 2 <= p[j].Count)
                    fp++;
            }
        return tp + fp + fn == 0 ? double.NaN : overlap / (tp + (fp / 2.0) + (fn / 2.0));
    }

    private static HashSet<int>[] Sets(PanopticMap map)
    {
        var values = map.Map.Pixels<ushort>().ToArray();
        return
        [
            .. Enumerable
                .Range(0, map.Segments.Count)
                .Select(i => Enumerable.Range(0, values.Length).Where(at => values[at] == i).ToHashSet()),
        ];
    }

    private static PanopticMap Random(RandomSource random, int height, int width, bool crowds)
    {
        var map = new Image(height, width, 1, PixelType.UInt16);
        map.Pixels<ushort>().Fill(PanopticMap.Void);
        var segments = new List<PanopticSegment>();
        for (var left = random.Next(6); left > 0; left--)
        {
            var (top, start) = (random.Next(height), random.Next(width));
            for (var y = top; y < Math.Min(height, top + 5); y++)
            for (var x = start; x < Math.Min(width, start + 5); x++)
                map.Pixels<ushort>()[(y * width) + x] = (ushort)segments.Count;
            segments.Add(new PanopticSegment(random.Next(3), crowds && random.Chance(0.3)));
        }
        return new PanopticMap(map, segments);
    }

    private static (DataInfo Info, PanopticPrediction[] Predictions, Sample[] Samples) Read(JsonElement fixture)
    {
        var categories = fixture.GetProperty("categories").EnumerateArray().ToArray();
        var places = categories.Index().ToDictionary(entry => entry.Item.GetProperty("id").GetInt32(), entry => entry.Index);
        var info = new DataInfo([.. categories.Select(one => one.GetProperty("name").GetString()!)], DataTask.Panoptic)
        {
            Things = [.. categories.Select(one => one.GetProperty("isthing").GetInt32() == 1)],
        };
        var images = fixture.GetProperty("images").EnumerateArray().ToArray();
        return (
            info,
            [.. images.Select(image => new PanopticPrediction(Map(image, "predicted", "found")))],
            [.. images.Select((image, i) => SampleOf(Map(image, "truth", "segments"), i))]
        );

        PanopticMap Map(JsonElement image, string pixels, string segments)
        {
            var listed = image.GetProperty(segments).EnumerateArray().ToArray();
            var ids = listed.Index().ToDictionary(entry => entry.Item[0].GetInt32(), entry => (ushort)entry.Index);
            var map = new Image(image.GetProperty("height").GetInt32(), image.GetProperty("width").GetInt32(), 1, PixelType.UInt16);
            var at = 0;
            foreach (var run in image.GetProperty(pixels).EnumerateArray())
                for (var n = run[1].GetInt32(); n > 0; n--)
                    map.Pixels<ushort>()[at++] = ids.GetValueOrDefault(run[0].GetInt32(), PanopticMap.Void);
            return new PanopticMap(
                map,
                [
                    .. listed.Select(segment => new PanopticSegment(
                        places[segment[1].GetInt32()],
                        segment.GetArrayLength() > 2 && segment[2].GetInt32() == 1
                    )),
                ]
            );
        }
    }

    private static Sample SampleOf(PanopticMap truth, int index = 0) =>
        new()
        {
            Index = index,
            Name = "image",
            Truth = { Panoptic = truth },
        };

    private static PanopticMap Row(ushort[] values, params PanopticSegment[] segments)
    {
        var map = new Image(1, values.Length, 1, PixelType.UInt16);
        values.CopyTo(map.Pixels<ushort>());
        return new PanopticMap(map, segments);
    }
}
