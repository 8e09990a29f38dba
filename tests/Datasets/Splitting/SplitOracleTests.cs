using Tessera.Datasets.Splitting;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Splitting;

/// <summary>Splits against all possible ones, against scikit-learn, and by hand.</summary>
public sealed class SplitOracleTests
{
    private const int Samples = 12,
        Classes = 4;

    // Of all 2^12 ways to part twelve images of up to four labels: as few labels that lack in a part as there can be, and a chi-square
    // (of labels and sizes against their shares) near the least that leaves.
    [Theory]
    [InlineData(0.5, false)]
    [InlineData(0.75, false)]
    [InlineData(0.5, true)]
    public void Parts_AgainstAllAssignments(double share, bool isGrouped)
    {
        var random = new Random(12);
        var (gaps, optimal, cases) = (new List<double>(), 0, 40);
        for (var i = 0; i < cases; i++)
        {
            var labels = Enumerable
                .Range(0, Samples)
                .Select(_ => Enumerable.Range(0, Classes).Where(c => random.NextDouble() < 0.15 + 0.2 * c).ToArray())
                .ToArray();
            var groups = isGrouped ? [.. Enumerable.Range(0, Samples).Select(_ => random.Next(6))] : Enumerable.Range(0, Samples).ToArray();
            var strata = new Strata(["a", "b", "c", "d"], labels);
            var plan = SplitPlan.Of(strata, [new("train", share), new("val", 1 - share)], i, groups);
            var (missing, spread) = Cost([.. plan.PartOf.Select(part => part == 1)], labels, groups, share);
            var best = (Missing: int.MaxValue, Spread: double.MaxValue);
            for (var bits = 0; bits < 1 << Samples; bits++)
            {
                if (
                    isGrouped
                    && groups
                        .Select((group, at) => (group, bits >> at & 1))
                        .GroupBy(pair => pair.group)
                        .Any(of => of.Distinct().Count() > 1)
                )
                    continue;
                var cost = Cost([.. Enumerable.Range(0, Samples).Select(at => (bits >> at & 1) != 0)], labels, groups, share);
                if (cost.CompareTo(best) < 0)
                    best = cost;
            }
            Assert.Equal(best.Missing, missing);
            gaps.Add(spread - best.Spread);
            optimal += spread - best.Spread < 1e-6 ? 1 : 0;
        }
        Assert.True(optimal >= 0.9 * cases, $"{optimal} of {cases} are optimal; the largest gap is {gaps.Max()}.");
        Assert.True(gaps.Max() < 0.5, $"the largest gap is {gaps.Max()}.");
    }

    [Fact]
    public void Folds_AreOfTheSizesOfScikitLearns()
    {
        var cases = FixtureFile.Json("splitting", "folds.json").EnumerateArray().ToArray();
        Assert.Equal(5, cases.Length);
        foreach (var of in cases)
        {
            var (folds, classes) = (of.GetProperty("folds").GetInt32(), of.GetProperty("classes").GetInt32());
            var labels = of.GetProperty("labels").EnumerateArray().Select(label => (int[])[label.GetInt32()]).ToArray();
            var expected = of.GetProperty("counts")
                .EnumerateArray()
                .Select(fold => fold.EnumerateArray().Select(n => n.GetInt32()).ToArray())
                .ToArray();
            var plan = SplitPlan.Folds(new Strata([.. Enumerable.Range(0, classes).Select(c => $"c{c}")], labels), folds, 3);
            for (var c = 0; c < classes; c++)
                Assert.Equal(
                    expected.Select(fold => fold[c]).Order(),
                    Enumerable.Range(0, folds).Select(fold => plan.CountOf(c, fold)).Order()
                );
            Assert.Equal(
                expected.Select(fold => fold.Sum()).Order(),
                Enumerable.Range(0, folds).Select(fold => plan.IndicesOf(fold).Length).Order()
            );
        }
    }

    // a: 8 of 10 samples are trained on; b: 4 of 5; c: 1 of 2, since val gets one; d: its only one.
    [Fact]
    public void Parts_ByHand()
    {
        int[] labels = [.. Enumerable.Repeat(0, 10), .. Enumerable.Repeat(1, 5), 2, 2, 3];
        var strata = new Strata(["a", "b", "c", "d", "never"], Array.ConvertAll(labels, label => (int[])[label]));
        var plan = SplitPlan.Of(strata, [new("train", 0.8), new("val", 0.2)], 0);
        Assert.Equal([8, 4, 1, 1, 0], Enumerable.Range(0, 5).Select(c => plan.CountOf(c, 0)));
        Assert.Equal([2, 1, 1, 0, 0], Enumerable.Range(0, 5).Select(c => plan.CountOf(c, 1)));
        Assert.Equal([new UnreachedPart(3, 1, false)], plan.Unreached);
        var three = SplitPlan.Of(strata, [new("train", 0.6), new("val", 0.2), new("test", 0.2)], 0);
        Assert.Equal([new UnreachedPart(2, 2, false), new UnreachedPart(3, 1, false), new UnreachedPart(3, 2, false)], three.Unreached);
        Assert.Equal([6, 2, 2], Enumerable.Range(0, 3).Select(part => three.CountOf(0, part)));
    }

    // Three samples, each pair sharing a label: two parts can't both have all three labels.
    [Fact]
    public void Parts_WhatNoSplitCanReach_IsNamed()
    {
        var strata = new Strata(
            ["a", "b", "c"],
            [
                [0, 1],
                [0, 2],
                [1, 2],
            ]
        );
        var plan = SplitPlan.Folds(strata, 2, 0);
        var unreached = Assert.Single(plan.Unreached);
        Assert.True(unreached.IsPossible);
    }

    [Fact]
    public void Parts_OfManyLabels_AreWithinOneOfTheirShares()
    {
        var random = new Random(3);
        var labels = Enumerable
            .Range(0, 2000)
            .Select(_ => Enumerable.Range(0, 20).Where(c => random.NextDouble() < 0.02 + 0.01 * c).ToArray())
            .ToArray();
        var plan = SplitPlan.Folds(new Strata([.. Enumerable.Range(0, 20).Select(c => $"c{c}")], labels), 5, 0);
        Assert.Empty(plan.Unreached);
        for (var c = 0; c < 20; c++)
        {
            var counts = Enumerable.Range(0, 5).Select(fold => plan.CountOf(c, fold)).ToArray();
            Assert.All(counts, count => Assert.InRange(count - counts.Sum() / 5.0, -1.5, 1.5));
        }
        Assert.All(Enumerable.Range(0, 5), fold => Assert.InRange(plan.IndicesOf(fold).Length, 399, 401));
    }

    [Theory]
    [InlineData("train=0.8,val=0.3", "1 was expected")]
    [InlineData("train=1", "at least 2")]
    [InlineData("a=0.5,A=0.5", "Two parts have the name")]
    [InlineData("a=0.2,b=0.2,c=0.2,d=0.4", "3 samples can't be split into 4 parts")]
    public void Mistakes(string parts, string said)
    {
        var strata = new Strata(
            ["a"],
            [
                [0],
                [0],
                [0],
            ]
        );
        var of = parts
            .Split(',')
            .Select(part => new SplitPart(
                part.Split('=')[0],
                double.Parse(part.Split('=')[1], System.Globalization.CultureInfo.InvariantCulture)
            ));
        Assert.Contains(said, Assert.Throws<UserErrorException>(() => SplitPlan.Of(strata, [.. of], 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Strata_FoldersSizesAndSamplesWithoutAClass()
    {
        var boxes = new Boxes([0, 0, 10, 10, 0, 0, 50, 50, 0, 0, 200, 200], [0, 0, 1], new bool[3]);
        var data = new MemoryDataset(
            3,
            i => new Sample
            {
                Index = i,
                Name = $"{i}",
                Truth =
                {
                    Boxes =
                        i == 2 ? new Boxes([], [], [])
                        : i == 1 ? new Boxes([0, 0, 9, 9], [0], [false])
                        : boxes,
                },
            },
            info: new(["cat", "dog"], DataTask.Detection),
            hasLabels: false
        );
        var strata = StrataReader.Of(data, i => i == 0 ? "north" : "south", sizes: true);
        // dog's one folder and one size are all of dog: they add nothing; so is cat's small, which is in all of cat's images.
        Assert.Equal(["cat", "dog", "(none of them)", "cat, north", "cat, south", "cat, medium"], strata.Names);
        Assert.Equal(2, strata.Classes);
        Assert.Equal(
            [
                [0, 1, 3, 5],
                [0, 4],
                [2],
            ],
            strata.Labels.Select(of => of.Order().ToArray())
        );
        var targets = new MemoryDataset(
            10,
            i => new Sample
            {
                Index = i,
                Name = $"{i}",
                Truth = { Targets = [10 - i] },
            },
            info: new(["age"], DataTask.Regression)
        );
        Assert.Equal([4, 4, 3, 3, 2, 2, 1, 1, 0, 0], StrataReader.Of(targets).Labels.Select(of => of.Single()));
    }

    private static (int Missing, double Spread) Cost(bool[] isVal, int[][] labels, int[] groups, double share)
    {
        var (missing, spread) = (0, 0.0);
        for (var c = 0; c <= Classes; c++)
        {
            var of = Enumerable.Range(0, Samples).Where(i => c == Classes || labels[i].Contains(c)).ToArray();
            var (val, holders) = (of.Count(i => isVal[i]), of.Select(i => groups[i]).Distinct().Count());
            if (of.Length == 0)
                continue;
            if (val == of.Length)
                missing++; // train is the first part: even a single one belongs there
            if (val == 0 && holders >= 2)
                missing++;
            var (train, wished) = (of.Length - val, share * of.Length);
            spread += Math.Pow(train - wished, 2) / wished + Math.Pow(val - (of.Length - wished), 2) / (of.Length - wished);
        }
        return (missing, spread);
    }
}
