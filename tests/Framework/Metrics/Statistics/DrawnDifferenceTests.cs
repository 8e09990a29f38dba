using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Metrics.Statistics;
using Tessera.Framework.Models;

namespace Tessera.Framework.Tests.Metrics.Statistics;

public sealed class DrawnDifferenceTests
{
    private static readonly DataInfo s_two = new(["a", "b"], DataTask.Classification);

    [Fact]
    public void Of_Accuracy_IsTheDifferenceOfShares_WithTheIntervalOfPairs()
    {
        // 40 images; only the second is right on 12, only the first on 2: the difference is .25, its standard error
        // √((14 − 10²/40) / 40²) = .0848, so that the interval is about [.084, .416].
        var first = Images(i => i < 20 || i is 38 or 39);
        var second = Images(i => i < 32);

        var found = DrawnDifference.Of(first, second, 4000, 0);

        Assert.Equal((0.55, 0.8), (found.First, found.Second));
        Assert.Equal(0.25, found.Difference, 12);
        Assert.InRange(found.Interval.Low, 0.05, 0.12);
        Assert.InRange(found.Interval.High, 0.37, 0.45);
        Assert.True(found.PValue() < 0.02);
        Assert.True(found.PValue(0.25) > 0.5);
    }

    [Fact]
    public void Of_TheSamePredictions_ShowsNothing()
    {
        var found = DrawnDifference.Of(Images(i => i % 3 == 0), Images(i => i % 3 == 0), 200, 0);
        Assert.Equal((0, 0, 0, 1), (found.Difference, found.Interval.Low, found.Interval.High, found.PValue()));
    }

    [Fact]
    public void PValue_WhereNothingDiffers_IsWrongInAboutFiveOfAHundred()
    {
        var random = new Random(3);
        const int Trials = 300;
        var wrong = 0;
        for (var i = 0; i < Trials; i++)
        {
            var (a, b) = (Draw(random), Draw(random));
            if (DrawnDifference.Of(Images(a), Images(b), 200, i).PValue() <= 0.05)
                wrong++;
        }
        Assert.InRange((double)wrong / Trials, 0.015, 0.10); // .05 and 3 standard errors, and what 80 images leave of the normal law
    }

    [Fact]
    public void Redraws_OfBoxes_IsWhatGatheringAnewGives()
    {
        // Every value that a metric can redraw, against its saved state merged as often as the image was drawn.
        var info = new DataInfo(["a", "b"], DataTask.Detection);
        var random = new Random(5);
        foreach (var metric in new Metric[] { new CocoApMetric(new CocoApOptions()), new VocApMetric(new VocApOptions()) })
        {
            var scenes = Enumerable.Range(0, 12).Select(i => Scene(random, i)).ToArray();
            var saved = Array.ConvertAll(
                scenes,
                scene =>
                {
                    metric.Reset(info);
                    metric.Process([scene.Found], [scene.Truth]);
                    return metric.Save();
                }
            );
            foreach (var name in metric is CocoApMetric ? (string[])["bbox/AP", "bbox/AP50", "bbox/AP75"] : ["voc/mAP"])
            {
                var quick = new MeasuredImages(metric, info, name);
                foreach (var scene in scenes)
                    quick.Add(scene.Found, scene.Truth);
                for (var trial = 0; trial < 20; trial++)
                {
                    int[] drawn = [.. scenes.Select(_ => random.Next(scenes.Length))];
                    var value = quick.Of(drawn);
                    metric.Reset(info);
                    foreach (var image in drawn)
                        metric.Merge(saved[image]);
                    Assert.Equal(metric.ComputePoints()[name], value, 9);
                }
                Assert.Equal(quick.OfAll(), quick.Of([.. Enumerable.Range(0, scenes.Length)]), 9);
            }
            Assert.Null(((IRedrawsImages)metric).Redraws("bbox/ARl"));
        }
    }

    [Fact]
    public void ComputePoints_IsComputeWithoutIntervals()
    {
        var metric = new CocoApMetric(new CocoApOptions(Bootstrap: 20));
        metric.Reset(new DataInfo(["a", "b"], DataTask.Detection));
        var (truth, found) = Scene(new Random(1), 0);
        metric.Process([found], [truth]);
        Assert.Equal(
            metric
                .Compute()
                .Where(value =>
                    !value.Key.EndsWith("/low", StringComparison.Ordinal) && !value.Key.EndsWith("/high", StringComparison.Ordinal)
                ),
            metric.ComputePoints()
        );
    }

    private static bool[] Draw(Random random) => [.. Enumerable.Range(0, 80).Select(_ => random.NextDouble() < 0.7)];

    private static MeasuredImages Images(Func<int, bool> isRight) => Images([.. Enumerable.Range(0, 40).Select(isRight)]);

    private static MeasuredImages Images(bool[] right)
    {
        var images = new MeasuredImages(new AccuracyMetric(new AccuracyOptions()), s_two, "accuracy/top1");
        for (var i = 0; i < right.Length; i++)
            images.Add(
                new ClassPrediction(right[i] ? [0.9f, 0.1f] : [0.1f, 0.9f], right[i] ? 0 : 1),
                new Sample
                {
                    Index = i,
                    Name = $"{i}",
                    Truth = new GroundTruth { Label = 0 },
                }
            );
        return images;
    }

    private static (Sample Truth, DetectionPrediction Found) Scene(Random random, int index)
    {
        float[] Corners() => [random.Next(20), random.Next(20), 30 + random.Next(20), 30 + random.Next(20)];
        var objects = random.Next(3);
        float[] truth = [.. Enumerable.Range(0, objects).SelectMany(_ => Corners())];
        int[] labels = [.. Enumerable.Range(0, objects).Select(_ => random.Next(2))];
        float[] found = [.. truth, .. Corners()];
        int[] classes = [.. labels, random.Next(2)];
        float[] scores = [.. classes.Select(_ => (float)random.Next(1, 10) / 10).OrderDescending()];
        return (
            new Sample
            {
                Index = index,
                Name = $"{index}",
                Truth = new GroundTruth { Boxes = new Boxes(truth, labels, new bool[objects]) },
            },
            new DetectionPrediction(found, scores, classes)
        );
    }
}
