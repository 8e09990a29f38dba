namespace Tessera.Models.Detection.Transformers;

/// <summary>Pairs rows with columns, each at most once, so that the costs of the pairs add up to the least there is.</summary>
/// <remarks>
/// The Hungarian method by shortest augmenting paths: Jonker and Volgenant, 1987; for rectangles, Crouse, "On Implementing 2D Rectangular
/// Assignment Algorithms", 2016. With n the shorter side and m the longer one: O(n² m).
/// </remarks>
public static class LinearAssignment
{
    /// <param name="costs">[rows · columns], row after row; finite.</param>
    /// <returns>[rows], the column of each row; -1 for rows that are left over where there are more of them than columns.</returns>
    /// <exception cref="ArgumentException">A cost is not finite, or there are more or fewer than rows · columns.</exception>
    public static int[] Solve(ReadOnlySpan<double> costs, int rows, int columns)
    {
        if (costs.Length != (long)rows * columns)
            throw new ArgumentException($"{costs.Length} costs for {rows} rows and {columns} columns.", nameof(costs));
        for (var i = 0; i < costs.Length; i++)
            if (!double.IsFinite(costs[i]))
                throw new ArgumentException(
                    $"The cost of row {i / columns} and column {i % columns} is {costs[i]}; a pair's cost must be finite.",
                    nameof(costs)
                );
        if (rows <= columns)
            return new Paths(costs, rows, columns).ColumnOf();
        var turned = new double[costs.Length];
        for (var row = 0; row < rows; row++)
        for (var column = 0; column < columns; column++)
            turned[(column * rows) + row] = costs[(row * columns) + column];
        var columnOf = new int[rows];
        Array.Fill(columnOf, -1);
        foreach (var (column, row) in new Paths(turned, columns, rows).ColumnOf().Index())
            columnOf[row] = column;
        return columnOf;
    }

    /// <summary>No more rows than columns.</summary>
    private readonly ref struct Paths(ReadOnlySpan<double> costs, int rows, int columns)
    {
        private readonly ReadOnlySpan<double> _costs = costs;
        private readonly double[] _rowPrices = new double[rows];
        private readonly double[] _columnPrices = new double[columns];
        private readonly int[] _columnOf = new int[rows];
        private readonly int[] _rowOf = new int[columns];
        private readonly double[] _distances = new double[columns]; // from the row at hand, by costs less prices
        private readonly int[] _from = new int[columns];
        private readonly bool[] _done = new bool[columns];

        public int[] ColumnOf()
        {
            Array.Fill(_rowOf, -1);
            for (var row = 0; row < _columnOf.Length; row++)
            {
                var (free, length) = Shortest(row);
                _rowPrices[row] += length;
                for (var column = 0; column < _rowOf.Length; column++)
                {
                    if (!_done[column] || column == free)
                        continue;
                    _columnPrices[column] -= length - _distances[column];
                    _rowPrices[_rowOf[column]] += length - _distances[column];
                }
                Turn(row, free);
            }
            return _columnOf;
        }

        /// <summary>Dijkstra's search for the nearest column that no row has yet.</summary>
        private (int Free, double Length) Shortest(int row)
        {
            Array.Fill(_distances, double.PositiveInfinity);
            Array.Clear(_done);
            var (at, reached) = (row, 0.0);
            while (true)
            {
                var (nearest, least) = (-1, double.PositiveInfinity);
                var ofRow = _costs.Slice(at * _rowOf.Length, _rowOf.Length);
                for (var column = 0; column < ofRow.Length; column++)
                {
                    if (_done[column])
                        continue;
                    var distance = reached + ofRow[column] - _rowPrices[at] - _columnPrices[column];
                    if (distance < _distances[column])
                        (_distances[column], _from[column]) = (distance, at);
                    if (_distances[column] < least || (_distances[column] == least && _rowOf[column] < 0 && _rowOf[nearest] >= 0))
                        (nearest, least) = (column, _distances[column]);
                }
                reached = least;
                _done[nearest] = true;
                if (_rowOf[nearest] < 0)
                    return (nearest, reached);
                at = _rowOf[nearest];
            }
        }

        /// <summary>Along the path to a free column every row takes the next column.</summary>
        private void Turn(int row, int column)
        {
            while (true)
            {
                var of = _from[column];
                _rowOf[column] = of;
                (_columnOf[of], column) = (column, _columnOf[of]);
                if (of == row)
                    return;
            }
        }
    }
}
