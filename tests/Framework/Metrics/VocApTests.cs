using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>VocAp by hand, against the definition taken literally, merged from parts, and its interval against slow drawing.</summary>
public class VocApTests
{
    private static readonly DataInfo Info = new(["cat", "dog"], DataTask.Detection);

    [Fact]
    public void VocAp_ByHand()
    {
        // Four cats, one of them difficult, so three are asked for. Best first: right, again on the same one (wrong), on the
        // difficult one (nothing), right, beside all (wrong). Precision over recall: 1 at 1/3, 2/3 at 2/3; the third is never found.
        // Area: (1 + 2/3) / 3. Eleven points: 1 at 0, 0.1, 0.2, 0.3; 2/3 at 0.4, 0.5, 0.6; 0 from 0.7 on.
        var sample = Sample(
            0,
            new Boxes([0, 0, 10, 10, 20, 0, 30, 10, 40, 0, 50, 10, 60, 0, 70, 10], [0, 0, 0, 0], [false, true, false, false])
        );
        var prediction = Found(
            (0, 0, 10, 10, 0.9f),
            (0, 0, 10, 9, 0.8f),
            (20, 0, 30, 10, 0.7f),
            (40, 0, 50, 10, 0.6f),
            (80, 0, 90, 10, 0.5f)
        );
        var (area, points) = (
            Values(new VocApOptions(PerClass: true), [prediction], [sample]),
            Values(new VocApOptions(VocApMode.ElevenPoint), [prediction], [sample])
        );
        Assert.Equal((1 + 2.0 / 3) / 3, area["voc/mAP"], 12);
        Assert.Equal(2.0 / 3, area["voc/recall"], 12);
        Assert.Equal(double.NaN, area["voc/AP/dog"]);
        Assert.Equal(((4 * 1) + (3 * 2.0 / 3)) / 11, points["voc/mAP"], 12);
    }

    [Fact]
    public void VocAp_OverlapOfTheThreshold_Counts()
    {
        var sample = Sample(0, new Boxes([0, 0, 10, 10], [0], [false]));
        var prediction = Found((0, 0, 10, 5, 0.9f)); // IoU 0.5
        Assert.Equal(1, Values(new VocApOptions(IouThreshold: 0.5), [prediction], [sample])["voc/mAP"]);
        Assert.Equal(0, Values(new VocApOptions(IouThreshold: 0.51), [prediction], [sample])["voc/mAP"]);
    }

    [Theory]
    [InlineData(VocApMode.Area)]
    [InlineData(VocApMode.ElevenPoint)]
    public void VocAp_OnRandomScenes_IsTheDefinition(VocApMode mode)
    {
        for (var seed = 0UL; seed < 20; seed++)
        {
            var (predictions, samples) = Random(new RandomSource(seed));
            var values = Values(new VocApOptions(mode, 0.4, PerClass: true, Bootstrap: 0), predictions, samples);
            for (var c = 0; c < 2; c++)
                Assert.Equal(Slow(predictions, samples, c, mode, 0.4), values[$"voc/AP/{Info.Classes[c]}"], 12);
        }
    }

    [Fact]
    public void VocAp_MergedInAnyOrder_IsTheWholeWithItsInterval()
    {
        var (predictions, samples) = Random(new RandomSource(1));
        VocApMetric Of(params int[] images)
        {
            var metric = new VocApMetric(new VocApOptions(Bootstrap: 50));
            metric.Reset(Info);
            metric.Process([.. images.Select(i => predictions[i])], [.. images.Select(i => samples[i])]);
            return metric;
        }
        var merged = Of(5, 2);
        merged.Merge(Of(0, 4, 3).Save());
        merged.Merge(Of(1).Save());
        Assert.Equal(Of(0, 1, 2, 3, 4, 5).Compute(), merged.Compute());
    }

    [Fact]
    public void VocAp_Interval_IsThatOfImagesDrawnAndEvaluatedAnew()
    {
        var (predictions, samples) = Random(new RandomSource(2), tied: false);
        var values = Values(new VocApOptions(Bootstrap: 40, Seed: 9), predictions, samples);
        var random = new RandomSource(9);
        var drawn = Enumerable
            .Range(0, 40)
            .Select(_ =>
            {
                var images = samples.Select(_ => random.Next(samples.Length)).ToArray();
                return Values(
                    new VocApOptions(Bootstrap: 0),
                    [.. images.Select(i => predictions[i])],
                    [.. images.Select((i, n) => Sample(n, samples[i].Truth.Boxes!))]
                )["voc/mAP"];
            })
            .Where(value => !double.IsNaN(value))
            .Order()
            .ToArray();
        Assert.Equal(40, drawn.Length);
        Assert.Equal(drawn[0] + (0.975 * (drawn[1] - drawn[0])), values["voc/mAP/low"], 10);
        Assert.Equal(drawn[38] + (0.025 * (drawn[39] - drawn[38])), values["voc/mAP/high"], 10);
    }

    private static double Slow(Prediction[] predictions, Sample[] samples, int label, VocApMode mode, double threshold)
    {
        var ranked = predictions
            .Cast<DetectionPrediction>()
            .SelectMany(
                (p, image) =>
                    Enumerable
                        .Range(0, p.Scores.Length)
                        .Where(i => p.Labels[i] == label)
                        .Select(i => (Score: p.Scores[i], Image: image, Box: p.Corners[(4 * i)..(4 * i + 4)]))
            )
            .OrderByDescending(entry => entry.Score)
            .ToArray();
        var asked = samples.Sum(sample => sample.Truth.Boxes!.Labels.Where((l, g) => l == label && !sample.Truth.Boxes.Ignored[g]).Count());
        if (asked == 0)
            return double.NaN;
        var found = new HashSet<(int, int)>();
        var curve = new List<(int Right, int Wrong)> { (0, 0) };
        foreach (var (_, image, box) in ranked)
        {
            var truth = samples[image].Truth.Boxes!;
            var nearest = Enumerable
                .Range(0, truth.Count)
                .Where(g => truth.Labels[g] == label)
                .Select(g => (IoU(box, truth.Corners[(4 * g)..(4 * g + 4)]), -g))
                .DefaultIfEmpty((-1, 0))
                .Max();
            var (right, wrong) = curve[^1];
            if (nearest.Item1 < threshold)
                curve.Add((right, wrong + 1));
            else if (truth.Ignored[-nearest.Item2])
                continue;
            else
                curve.Add(found.Add((image, -nearest.Item2)) ? (right + 1, wrong) : (right, wrong + 1));
        }
        double BestFrom(int tenfold, int times) =>
            curve
                .Where(point => point.Right + point.Wrong > 0 && point.Right * times >= tenfold)
                .Select(point => (double)point.Right / (point.Right + point.Wrong))
                .DefaultIfEmpty(0)
                .Max();
        return mode == VocApMode.Area
            ? Enumerable.Range(1, asked).Sum(n => BestFrom(n, 1)) / asked
            : Enumerable.Range(0, 11).Average(tenth => BestFrom(tenth * asked, 10));
    }

    private static double IoU(float[] a, float[] b)
    {
        var (w, h) = (Math.Min(a[2], b[2]) - Math.Max(a[0], b[0]), Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]));
        if (w <= 0 || h <= 0)
            return 0;
        return w * h / (double)(((a[2] - a[0]) * (a[3] - a[1])) + ((b[2] - b[0]) * (b[3] - b[1])) - (w * h));
    }

    private static (Prediction[] Predictions, Sample[] Samples) Random(RandomSource random, bool tied = true)
    {
        var (predictions, samples) = (new Prediction[6], new Sample[6]);
        for (var image = 0; image < samples.Length; image++)
        {
            float[] Box()
            {
                var (x, y) = (random.Next(20), random.Next(20));
                return [x, y, x + 4 + random.Next(10), y + 4 + random.Next(10)];
            }
            var (objects, found) = (random.Next(5), random.Next(12));
            samples[image] = Sample(
                image,
                new Boxes(
                    [.. Enumerable.Range(0, objects).SelectMany(_ => Box())],
                    [.. Enumerable.Range(0, objects).Select(_ => random.Next(2))],
                    [.. Enumerable.Range(0, objects).Select(_ => random.Chance(0.2))]
                )
            );
            float[] scores =
            [
                .. Enumerable.Range(0, found).Select(_ => tied ? random.Next(8) / 8f : (float)random.NextDouble()).OrderDescending(),
            ];
            predictions[image] = new DetectionPrediction(
                [.. scores.SelectMany(_ => Box())],
                scores,
                [.. scores.Select(_ => random.Next(2))]
            );
        }
        return (predictions, samples);
    }

    private static Sample Sample(int index, Boxes boxes) =>
        new()
        {
            Index = index,
            Name = $"{index}",
            Truth = { Boxes = boxes },
        };

    private static DetectionPrediction Found(params (float X1, float Y1, float X2, float Y2, float Score)[] found) =>
        new([.. found.SelectMany(f => new[] { f.X1, f.Y1, f.X2, f.Y2 })], [.. found.Select(f => f.Score)], new int[found.Length]);

    private static Dictionary<string, double> Values(VocApOptions options, Prediction[] predictions, Sample[] samples)
    {
        var metric = new VocApMetric(options);
        metric.Reset(Info);
        metric.Process(predictions, samples);
        return new(metric.Compute());
    }
}
