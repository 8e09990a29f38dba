using Tessera.Datasets;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tools.Experiments;

namespace Tessera.Tests.Tools.Experiments;

/// <summary>Properties of folds over many random data sets.</summary>
public sealed class StratifiedFoldsTests
{
    [Fact]
    public void SingleLabels_AreDealtEvenly()
    {
        for (ulong trial = 0; trial < 200; trial++)
        {
            var random = new RandomSource(trial);
            var (count, folds, classes) = (2 + random.Next(60), 2 + random.Next(5), 1 + random.Next(4));
            var labels = Enumerable.Range(0, count).Select(_ => (int[])[random.Next(classes)]).ToArray();
            var foldOf = StratifiedFolds.Deal(new Labelled(labels, single: true, classes), folds, (long)trial);
            Assert.Equal(foldOf, StratifiedFolds.Deal(new Labelled(labels, single: true, classes), folds, (long)trial));
            AssertEven(Enumerable.Range(0, folds).Select(fold => foldOf.Count(of => of == fold)));
            for (var label = 0; label < classes; label++)
                AssertEven(
                    Enumerable
                        .Range(0, folds)
                        .Select(fold => Enumerable.Range(0, count).Count(i => foldOf[i] == fold && labels[i][0] == label))
                );
        }
    }

    [Fact]
    public void SeveralLabels_ReachEveryFoldThatTheyCan()
    {
        for (ulong trial = 0; trial < 200; trial++)
        {
            var random = new RandomSource(trial);
            var folds = 2 + random.Next(4);
            var labels = Enumerable
                .Range(0, 20 + random.Next(60))
                .Select(_ => Enumerable.Range(0, 5).Where(label => random.Chance(0.5 / (1 + label))).ToArray())
                .ToArray();
            var foldOf = StratifiedFolds.Deal(new Labelled(labels, single: false, 5), folds, (long)trial);
            Assert.All(foldOf, fold => Assert.InRange(fold, 0, folds - 1));
            // The rarest label is dealt first and by itself, so that it is even.
            var counts = Enumerable.Range(0, 5).Select(label => labels.Count(several => several.Contains(label))).ToArray();
            var rarest = Enumerable.Range(0, 5).Where(label => counts[label] > 0).MinBy(label => (counts[label], label));
            AssertEven(
                Enumerable
                    .Range(0, folds)
                    .Select(fold => Enumerable.Range(0, labels.Length).Count(i => foldOf[i] == fold && labels[i].Contains(rarest)))
            );
        }
    }

    [Fact]
    public void Scarce_NamesTheClassesThatSomeFoldsLack()
    {
        int[][] labels =
        [
            [0],
            [0],
            [0],
            [1],
            [1],
            [2],
        ];
        var text = StratifiedFolds.Scarce(new Labelled(labels, single: true, 4), 3);
        Assert.EndsWith("c1 (2), c2 (1).", text, StringComparison.Ordinal);
        Assert.Null(
            StratifiedFolds.Scarce(
                new Labelled(
                    [
                        [0],
                        [0],
                        [1],
                        [1],
                    ],
                    single: true,
                    2
                ),
                2
            )
        );
    }

    [Fact]
    public void Subset_ReadsWhatItWrites()
    {
        for (ulong trial = 0; trial < 200; trial++)
        {
            var random = new RandomSource(trial);
            var labels = Enumerable.Range(0, 30).Select(i => (int[])[i]).ToArray();
            var chosen = Enumerable.Range(0, 30).Where(_ => random.Chance(0.6)).Append(29).Distinct().ToArray();
            var subset = new Subset(new SubsetOptions(Subset.Write(chosen)), new Labelled(labels, single: true, 30));
            Assert.Equal(chosen, Enumerable.Range(0, subset.Count).Select(i => subset.LabelOf(i)!.Value));
            Assert.Equal(chosen.Select(i => $"{i}"), Enumerable.Range(0, subset.Count).Select(i => subset.Get(i).Name));
            Assert.Equal(
                Enumerable.Range(0, subset.Count).Select(i => (long)i),
                Enumerable.Range(0, subset.Count).Select(i => subset.Get(i).Index)
            );
        }
        Assert.Equal("0-3,7,9-10", Subset.Write([0, 1, 2, 3, 7, 9, 10]));
    }

    [Theory]
    [InlineData("0,x", "a number or a range")]
    [InlineData("3-1", "a number or a range")]
    [InlineData("1-2-3", "a number or a range")]
    [InlineData("0,30", "30 samples, numbered from 0")]
    [InlineData("0-2000000000", "30 samples, numbered from 0")]
    [InlineData("4,4", "they must rise")]
    public void Subset_RefusesIndicesThatAreNone(string indices, string part)
    {
        var whole = new Labelled([.. Enumerable.Range(0, 30).Select(i => (int[])[0])], single: true, 1);
        Assert.Contains(
            part,
            Assert.Throws<UserErrorException>(() => new Subset(new SubsetOptions(indices), whole)).Message,
            StringComparison.Ordinal
        );
    }

    private static void AssertEven(IEnumerable<int> counts)
    {
        var all = counts.ToArray();
        Assert.InRange(all.Max() - all.Min(), 0, 1);
    }

    private sealed class Labelled(int[][] labels, bool single, int classes) : Dataset
    {
        public override int Count => labels.Length;

        public override DataInfo Info { get; } =
            new([.. Enumerable.Range(0, classes).Select(i => $"c{i}")], single ? DataTask.Classification : DataTask.MultiLabel);

        public override Sample Get(int index) => new() { Index = index, Name = $"{index}" };

        public override int? LabelOf(int index) => single ? labels[index][0] : null;

        public override IReadOnlyList<int>? LabelsOf(int index) => labels[index];
    }
}
