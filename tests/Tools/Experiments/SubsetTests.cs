using Tessera.Datasets;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Tools.Experiments;

/// <summary>Some samples of a data set.</summary>
public sealed class SubsetTests
{
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
