using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics.Analysis;
using Tessera.Framework.Models;

namespace Tessera.Tests.Framework.Metrics.Analysis;

public class LabelDoubtTests
{
    // Thresholds: class 0 (.9 + .8 + .1) / 3 = .6, class 1 (.7 + .2) / 2 = .45.
    // Sample 2 (label 0): .9 of class 1 is believed. Sample 4 (label 1): .8 of class 0. Sample 1: .8 of its own.
    [Fact]
    public void ConfidentLearning_ByHand()
    {
        var result = ConfidentLearning.Find(
            [
                [0.9, 0.1],
                [0.8, 0.2],
                [0.1, 0.9],
                [0.3, 0.7],
                [0.8, 0.2],
            ],
            [0, 0, 0, 1, 1]
        );
        Assert.Equal(0.6, result.Thresholds[0], 12);
        Assert.Equal(0.45, result.Thresholds[1], 12);
        Assert.Equal(
            new long[,]
            {
                { 2, 1 },
                { 1, 1 },
            },
            result.Joint
        );
        Assert.Equal([(2, 0, 1), (4, 1, 0)], result.Doubts.Select(doubt => (doubt.Index, doubt.Given, doubt.Suggested)));
        Assert.Equal(0.8, result.Doubts[0].Margin, 12);
    }

    [Fact]
    public void ConfidentLearning_BelievesNoClassWithoutALabel() =>
        Assert.Empty(
            ConfidentLearning
                .Find(
                    [
                        [0.1, 0.2, 0.7],
                        [0.2, 0.1, 0.7],
                    ],
                    [0, 0]
                )
                .Doubts
        );

    // 5 % of the labels are wrong and the model is right nine times in ten: most of them are found, and most of what is found is wrong.
    [Fact]
    public void ConfidentLearning_FindsPlantedErrors()
    {
        var random = new RandomSource(9);
        var (rows, labels, wrong) = (new List<double[]>(), new List<int>(), new HashSet<int>());
        for (var i = 0; i < 4000; i++)
        {
            var (truth, seen) = (i % 5, random.Chance(0.95) ? i % 5 : random.Next(5));
            var sure = random.Uniform(0.5, 0.98);
            rows.Add([.. Enumerable.Range(0, 5).Select(c => c == seen ? sure : (1 - sure) / 4)]);
            var isWrong = random.Chance(0.05);
            if (isWrong)
                wrong.Add(i);
            labels.Add(isWrong ? (truth + 1 + random.Next(4)) % 5 : truth);
        }
        var found = ConfidentLearning.Find(rows, labels).Doubts.Select(doubt => doubt.Index).ToHashSet();
        Assert.InRange((double)found.Count(wrong.Contains) / wrong.Count, 0.5, 1);
        Assert.InRange((double)found.Count(wrong.Contains) / found.Count, 0.5, 1);
    }

    [Fact]
    public void Boxes_EachKindOfDoubt()
    {
        // Annotated: a at 0, b at 100, a at 200. Found: a at 0, a at 100 (sure), nothing at 200, b at 300, and again a little beside it.
        var sample = CocoScenes.Scene(new Boxes([0, 0, 50, 50, 100, 0, 150, 50, 200, 0, 250, 50], [0, 1, 0], new bool[3]));
        var prediction = new DetectionPrediction(
            [0, 0, 50, 50, 100, 0, 150, 50, 300, 0, 350, 50, 302, 0, 352, 50],
            [0.9f, 0.875f, 0.75f, 0.625f],
            [0, 0, 1, 0]
        );
        var doubts = BoxDoubts.Find(sample, prediction, 2);
        Assert.Equal(
            [
                (BoxDoubtKind.NotAnnotated, (int?)null, (int?)1, 0.75),
                (BoxDoubtKind.OtherClass, 1, 0, 0.875),
                (BoxDoubtKind.NeverFound, 0, null, 1.0),
            ],
            doubts.Select(doubt => (doubt.Kind, doubt.Given, doubt.Suggested, doubt.Certainty))
        );
        Assert.Equal([300.0, 0, 50, 50], doubts[0].Box);
    }

    [Fact]
    public void Thresholds_ByHand()
    {
        var search = new ScoreThresholds(new DataInfo(["a"], DataTask.Detection));
        // Scores .9 right, .8 wrong, .7 right, .4 wrong, .3 right; four objects, one never found.
        search.Add(
            CocoScenes.Scene(new Boxes([0, 0, 9, 9, 20, 0, 29, 9, 40, 0, 49, 9, 60, 0, 69, 9], [0, 0, 0, 0], new bool[4])),
            new DetectionPrediction(
                [0, 0, 9, 9, 100, 0, 109, 9, 20, 0, 29, 9, 120, 0, 129, 9, 40, 0, 49, 9],
                [0.9f, 0.8f, 0.7f, 0.4f, 0.3f],
                [0, 0, 0, 0, 0]
            )
        );
        // Precision 1, 1/2, 2/3, 1/2, 3/5; recall 1/4, 1/4, 1/2, 1/2, 3/4; F1 .4, .333, .571, .5, .667
        var best = Assert.Single(search.Choose(ThresholdRule.GreatestF1));
        Assert.Equal((0.3, 0.6, 0.75), (Math.Round(best.Chosen!.Threshold, 6), best.Chosen.Precision, best.Chosen.Recall));
        Assert.Equal(2.0 / 3, best.Chosen.F1, 12);
        var precise = Assert.Single(search.Choose(ThresholdRule.Parse("precision:0.65")));
        Assert.Equal((0.55, 0.5), (Math.Round(precise.Chosen!.Threshold, 6), precise.Chosen.Recall));
        Assert.True(precise.Reached);
        Assert.Equal(1, Assert.Single(search.Choose(new ThresholdRule(1))).Chosen!.Precision);
    }

    [Fact]
    public void Thresholds_OfLabels_WherePrecisionIsNotReached_SaySo()
    {
        var search = new ScoreThresholds(new DataInfo(["a", "b"], DataTask.MultiLabel));
        foreach (var (score, isThere) in new[] { (0.9f, false), (0.8f, true), (0.2f, true) })
            search.Add(
                new Sample
                {
                    Index = 0,
                    Name = "x",
                    Truth = { MultiLabel = [isThere ? 1 : 0, 0] },
                },
                new ClassPrediction([score, 0.5f], 0)
            );
        var found = search.Choose(ThresholdRule.Parse("precision:0.9"));
        Assert.False(found[0].Reached);
        Assert.Equal(2.0 / 3, found[0].Chosen!.Precision, 12);
        Assert.Null(found[1].Chosen); // b is never there
    }

    [Theory]
    [InlineData("f2")]
    [InlineData("precision:")]
    [InlineData("precision:0")]
    [InlineData("precision:1.5")]
    public void Rule_OfAnotherForm_IsAMistake(string text) =>
        Assert.Contains(
            "\"precision:0.9\"",
            Assert.Throws<UserErrorException>(() => ThresholdRule.Parse(text)).Message,
            StringComparison.Ordinal
        );
}
