using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>Boxes paired with objects, one to one.</summary>
public class DetectionConfusionTests
{
    private static readonly DataInfo Info = new(["cat", "dog"], DataTask.Detection);

    [Fact]
    public void ConfusionMatrix_OfBoxes_ByHand()
    {
        // Objects: a cat, a dog, another dog, and a dog that is ignored.
        var truth = new Boxes([0, 0, 10, 10, 20, 0, 30, 10, 40, 0, 50, 10, 60, 0, 70, 10], [0, 1, 1, 1], [false, false, false, true]);
        var counts = Counts(
            truth,
            (0, 0, 10, 9, 0.9f, 0), // the cat, found
            (0, 0, 10, 8, 0.8f, 0), // again: the cat has its box, so this one stands for nothing
            (20, 0, 30, 10, 0.7f, 0), // the first dog, taken for a cat although …
            (20, 0, 30, 9, 0.6f, 1), // … this one names it: its overlap is smaller
            (60, 0, 70, 10, 0.5f, 1), // on the ignored one: counts as nothing
            (40, 0, 50, 10, 0.2f, 1)
        ); // the second dog, but below the score
        Assert.Equal(
            new long[,]
            {
                { 1, 0, 0 },
                { 1, 0, 1 },
                { 1, 1, 0 },
            },
            counts
        );
    }

    [Fact]
    public void ConfusionMatrix_OfEqualOverlaps_PrefersTheSameClass()
    {
        var truth = new Boxes([0, 0, 10, 10], [1], [false]);
        Assert.Equal(
            new long[,]
            {
                { 0, 0, 0 },
                { 0, 1, 0 },
                { 1, 0, 0 },
            },
            Counts(truth, (0, 0, 10, 10, 0.9f, 0), (0, 0, 10, 10, 0.4f, 1))
        );
    }

    [Fact]
    public void ConfusionMatrix_OfRandomScenes_HasEveryObjectAndEveryBoxOnce()
    {
        var random = new RandomSource(0);
        for (var scene = 0; scene < 50; scene++)
        {
            float[] Draw(int count) =>
                [
                    .. Enumerable
                        .Range(0, count)
                        .SelectMany(_ =>
                        {
                            var (x, y) = (random.Next(20), random.Next(20));
                            return new float[] { x, y, x + 5 + random.Next(10), y + 5 + random.Next(10) };
                        }),
                ];
            var (objects, found) = (random.Next(8), random.Next(12));
            int[] labels = [.. Enumerable.Range(0, objects).Select(_ => random.Next(2))];
            int[] predicted = [.. Enumerable.Range(0, found).Select(_ => random.Next(2))];
            var counts = Counts(
                new Boxes(Draw(objects), labels, new bool[objects]),
                new DetectionPrediction(Draw(found), [.. predicted.Select(_ => 0.5f)], predicted)
            );
            for (var c = 0; c < 2; c++)
            {
                Assert.Equal(labels.Count(label => label == c), counts[c, 0] + counts[c, 1] + counts[c, 2]);
                Assert.Equal(predicted.Count(label => label == c), counts[0, c] + counts[1, c] + counts[2, c]);
            }
        }
    }

    [Fact]
    public void ConfusionMatrix_WhereAClassIsTheBackground_NamesItsOwnInBrackets()
    {
        var metric = new ConfusionMatrixMetric(new ConfusionMatrixOptions());
        metric.Reset(new DataInfo(["background", "cat"], DataTask.Detection));
        Assert.Equal(["background", "cat", "(background)"], metric.Names);
    }

    private static long[,] Counts(Boxes truth, params (float X1, float Y1, float X2, float Y2, float Score, int Label)[] found) =>
        Counts(
            truth,
            new DetectionPrediction(
                [.. found.SelectMany(f => new[] { f.X1, f.Y1, f.X2, f.Y2 })],
                [.. found.Select(f => f.Score)],
                [.. found.Select(f => f.Label)]
            )
        );

    private static long[,] Counts(Boxes truth, DetectionPrediction prediction)
    {
        var (first, second) = (
            new ConfusionMatrixMetric(new ConfusionMatrixOptions()),
            new ConfusionMatrixMetric(new ConfusionMatrixOptions())
        );
        first.Reset(Info);
        second.Reset(Info);
        first.Process(
            [prediction],
            [
                new Sample
                {
                    Index = 0,
                    Name = "scene",
                    Truth = { Boxes = truth },
                },
            ]
        );
        second.Merge(first.Save()); // as between processes
        return second.Counts;
    }
}
