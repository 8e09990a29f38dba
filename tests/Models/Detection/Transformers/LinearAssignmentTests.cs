using Tessera.Framework.Data;
using Tessera.Models.Detection.Transformers;

namespace Tessera.Tests.Models.Detection.Transformers;

/// <summary>Least costs against all pairings there are.</summary>
public sealed class LinearAssignmentTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(5, 5)]
    [InlineData(2, 7)]
    [InlineData(7, 2)]
    [InlineData(4, 6)]
    public void Solve_Small_CostsTheLeastOfAllPairings(int rows, int columns)
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new RandomSource((ulong)seed);
            // Every third table has many equal costs, and so many answers.
            var costs = Enumerable
                .Range(0, rows * columns)
                .Select(_ => seed % 3 == 0 ? random.Next(3) - 1.0 : (random.NextDouble() * 20) - 10)
                .ToArray();
            var columnOf = LinearAssignment.Solve(costs, rows, columns);
            Assert.Equal(rows, columnOf.Length);
            var taken = columnOf.Where(column => column >= 0).ToArray();
            Assert.Equal(Math.Min(rows, columns), taken.Distinct().Count());
            Assert.Equal(Math.Min(rows, columns), taken.Length);
            Assert.Equal(Least(costs, rows, columns), Cost(costs, columnOf, columns), 1e-9);
        }
    }

    /// <summary>A hundred queries and few boxes: dynamic programming over the sets of boxes that the first queries have.</summary>
    [Theory]
    [InlineData(100, 8)]
    [InlineData(300, 6)]
    public void Solve_ManyQueriesFewBoxes_CostsTheLeast(int queries, int boxes)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new RandomSource((ulong)(1000 + seed));
            var costs = Enumerable.Range(0, queries * boxes).Select(_ => Math.Round(random.NextDouble(), seed % 2 == 0 ? 1 : 12)).ToArray();
            var least = Enumerable.Repeat(double.PositiveInfinity, 1 << boxes).ToArray();
            least[0] = 0;
            for (var query = 0; query < queries; query++)
            for (var set = (1 << boxes) - 1; set > 0; set--)
            for (var box = 0; box < boxes; box++)
                if ((set >> box & 1) == 1)
                    least[set] = Math.Min(least[set], least[set & ~(1 << box)] + costs[(query * boxes) + box]);
            Assert.Equal(least[^1], Cost(costs, LinearAssignment.Solve(costs, queries, boxes), boxes), 1e-9);
        }
    }

    [Fact]
    public void Solve_ByHand()
    {
        // 1 + 2 + 3 on the diagonal beats every other pairing.
        Assert.Equal([0, 1, 2], LinearAssignment.Solve([1, 9, 9, 9, 2, 9, 9, 9, 3], 3, 3));
        // The first row's best column is worth more to the second: 2 + 1 instead of 1 + 10.
        Assert.Equal([1, 0], LinearAssignment.Solve([1, 2, 1, 10], 2, 2));
        Assert.Equal([-1, 0, -1], LinearAssignment.Solve([3, 1, 2], 3, 1));
        Assert.Empty(LinearAssignment.Solve([], 0, 5));
        Assert.Equal([-1, -1], LinearAssignment.Solve([], 2, 0));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void Solve_CostThatIsNotFinite_IsNamed(double cost)
    {
        var error = Assert.Throws<ArgumentException>(() => LinearAssignment.Solve([1, 2, 3, 4, 5, cost], 2, 3));
        Assert.StartsWith("The cost of row 1 and column 2 is ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Solve_OtherNumberOfCosts_IsAMistake() => Assert.Throws<ArgumentException>(() => LinearAssignment.Solve([1, 2, 3], 2, 2));

    private static double Cost(double[] costs, int[] columnOf, int columns) =>
        columnOf.Index().Where(pair => pair.Item >= 0).Sum(pair => costs[(pair.Index * columns) + pair.Item]);

    private static double Least(double[] costs, int rows, int columns)
    {
        return From(0, 0, rows - columns);

        double From(int row, int taken, int mayStay)
        {
            if (row == rows)
                return 0;
            var least = mayStay > 0 ? From(row + 1, taken, mayStay - 1) : double.PositiveInfinity;
            for (var column = 0; column < columns; column++)
                if ((taken >> column & 1) == 0)
                    least = Math.Min(least, costs[(row * columns) + column] + From(row + 1, taken | 1 << column, mayStay));
            return least;
        }
    }
}
