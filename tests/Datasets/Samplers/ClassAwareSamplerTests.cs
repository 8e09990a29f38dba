using Tessera.Datasets.Samplers;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Samplers;

/// <summary>Classes take turns.</summary>
public class ClassAwareSamplerTests
{
    /// <summary>Ten samples: class 0 has eight, class 1 one, class 2 two (one is of class 1, too); nothing has class 3.</summary>
    private sealed class Uneven : Dataset
    {
        private static readonly int[][] s_labels =
        [
            [0],
            [0],
            [0],
            [0],
            [0],
            [0],
            [0],
            [0, 2],
            [1, 2],
            [],
        ];

        public override int Count => s_labels.Length;

        public override DataInfo Info { get; } = new(["a", "b", "c", "d"], DataTask.MultiLabel);

        public override Sample Get(int index) => throw new NotSupportedException();

        public override IReadOnlyList<int>? LabelsOf(int index) => index < Empty ? [] : s_labels[index];

        public int Empty { get; init; }
    }

    [Theory, InlineData(1), InlineData(2)]
    public void Order_ClassesTakeTurns_SamplesOfAClassToo(int each)
    {
        var (data, sampler) = (new Uneven(), new ClassAwareSampler(new(each)));
        var turns = new int[4];
        for (var epoch = 0; epoch < 300; epoch++)
        {
            var order = sampler.Order(data, 5, epoch);
            Assert.Equal(10, order.Count);
            Assert.DoesNotContain(9, order); // shows no class
            // Within the first turn of all classes, class 0 has its turn once, so among the first samples there are that many of its own.
            var alone = order.Take(3 * each).Count(index => index < 7);
            Assert.InRange(alone, each - 1, each);
            foreach (var index in order)
                turns[
                    index < 7 ? 0
                    : index == 8 ? 1
                    : 2
                ]++;
        }
        // Class 1 has sample 8 alone, class 2 samples 7 and 8 in turn: a third each, and half of a third more for sample 8.
        Assert.InRange(turns[1] / 3000.0, 0.45, 0.55);
        Assert.Equal(sampler.Order(data, 5, 0), new ClassAwareSampler(new(each)).Order(new Uneven(), 5, 0));
        Assert.NotEqual(sampler.Order(data, 5, 0), sampler.Order(data, 5, 1));
    }

    [Fact]
    public void Order_WithoutClasses_IsAnError() =>
        Assert.Contains(
            "no sample shows a class",
            Assert.Throws<UserErrorException>(() => new ClassAwareSampler(new()).Order(new Uneven { Empty = 10 }, 0, 0)).Message
        );
}
