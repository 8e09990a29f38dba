using Tessera.Framework.Processes;

namespace Tessera.Tests.Framework.Processes;

public sealed class StageCutsTests
{
    [Fact]
    public void Balance_OfSmallChains_IsAsGoodAsAllCutsTried()
    {
        var random = new Random(5);
        for (var i = 0; i < 400; i++)
        {
            var costs = Enumerable.Range(0, random.Next(1, 10)).Select(_ => i % 3 == 0 ? random.Next(3) : random.NextDouble()).ToArray();
            for (var stages = 1; stages <= Math.Min(5, costs.Length); stages++)
            {
                var cuts = StageCuts.Balance(costs, stages);
                Assert.Equal(stages - 1, cuts.Length);
                int[] bounds = [0, .. cuts, costs.Length];
                Assert.All(bounds.Zip(bounds.Skip(1)), pair => Assert.True(pair.First < pair.Second)); // none is empty
                var best = AllCuts(costs.Length, stages).Min(tried => StageCuts.Costs(costs, tried).Max());
                Assert.Equal(best, StageCuts.Costs(costs, cuts).Max(), 1e-12);
            }
        }
    }

    [Fact]
    public void Costs_AreSumsOfEachStage() => Assert.Equal([3.0, 3, 9], StageCuts.Costs([1, 2, 3, 4, 5], [2, 3]));

    [Fact]
    public void Balance_TakesTheEarliestOfEqualCuts() => Assert.Equal([1], StageCuts.Balance([2, 0, 0, 2], 2));

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Balance_MoreStagesThanSteps_Throws(int stages) =>
        Assert.Throws<ArgumentException>(() => StageCuts.Balance([1, 2, 3], stages));

    private static IEnumerable<int[]> AllCuts(int steps, int stages)
    {
        for (var chosen = 0; chosen < 1 << (steps - 1); chosen++)
            if (int.PopCount(chosen) == stages - 1)
                yield return [.. Enumerable.Range(1, steps - 1).Where(cut => (chosen >> (cut - 1) & 1) == 1)];
    }
}
