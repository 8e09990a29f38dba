using Tessera.Framework.Models;
using Tessera.Models.Attention;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Attention;

/// <summary>Patterns against dense attention under masks that are written down here by their definitions.</summary>
public sealed class PatternTests
{
    private const int Channels = 12;
    private const int Heads = 3;

    // Awkward lengths: one token, primes, no multiples of anything, one row, one column.
    private static readonly (int Height, int Width)[] _grids =
    [
        (1, 1),
        (1, 2),
        (1, 13),
        (7, 1),
        (3, 5),
        (5, 7),
        (8, 8),
        (11, 13),
        (1, 139),
    ];

    [Fact]
    public void Full_EveryGrid_EqualsDense() => Compare("""{ "type": "FullAttention" }""", _ => (_, _) => true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(200)]
    public void Atrous_Sequence_EqualsDense(int rate) =>
        Compare(
            $$"""{ "type": "AtrousAttention", "rate": {{rate}} }""",
            grid => (i, j) => (i - j) % Math.Min(rate, grid.Height * grid.Width) == 0
        );

    [Fact]
    public void Atrous_RateOfTheRoot_EqualsDense() =>
        Compare(
            """{ "type": "AtrousAttention" }""",
            grid =>
            {
                var rate = (int)Math.Round(Math.Sqrt(grid.Height * grid.Width));
                return (i, j) => (i - j) % rate == 0;
            }
        );

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Atrous_Grid_EqualsDense(int rate) =>
        Compare(
            $$"""{ "type": "AtrousAttention", "rate": {{rate}}, "layout": "grid" }""",
            grid => (i, j) => ((i / grid.Width) - (j / grid.Width)) % rate == 0 && ((i % grid.Width) - (j % grid.Width)) % rate == 0
        );

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(2, 3)]
    [InlineData(40, 1)]
    [InlineData(500, 2)]
    public void Local_Sequence_EqualsDense(int reach, int dilation) =>
        Compare(
            $$"""{ "type": "LocalAttention", "reach": {{reach}}, "dilation": {{dilation}} }""",
            _ => (i, j) => Math.Abs(i - j) <= reach * dilation && (i - j) % dilation == 0
        );

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(5, 1)]
    public void Local_Grid_EqualsDense(int reach, int dilation) =>
        Compare(
            $$"""{ "type": "LocalAttention", "reach": {{reach}}, "dilation": {{dilation}}, "layout": "grid" }""",
            grid =>
                (i, j) =>
                {
                    var (y, x) = ((i / grid.Width) - (j / grid.Width), (i % grid.Width) - (j % grid.Width));
                    return Math.Abs(y) <= reach * dilation && Math.Abs(x) <= reach * dilation && y % dilation == 0 && x % dilation == 0;
                }
        );

    [Theory]
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    [InlineData(2, 0)]
    [InlineData(1, 4)]
    [InlineData(5, 40)]
    public void Sparse_Sequence_EqualsDenseWithOverlapOnce(int rate, int reach) =>
        Compare(
            $$"""{ "type": "SparseAttention", "rate": {{rate}}, "reach": {{reach}} }""",
            grid => (i, j) => (i - j) % Math.Min(rate, grid.Height * grid.Width) == 0 || Math.Abs(i - j) <= reach
        );

    [Fact]
    public void Sparse_Defaults_ReachOneLessThanTheRoot() =>
        Compare(
            """{ "type": "SparseAttention" }""",
            grid =>
            {
                var rate = (int)Math.Round(Math.Sqrt(grid.Height * grid.Width));
                return (i, j) => (i - j) % rate == 0 || Math.Abs(i - j) < rate;
            }
        );

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    public void Sparse_Grid_EqualsDense(int rate, int reach) =>
        Compare(
            $$"""{ "type": "SparseAttention", "rate": {{rate}}, "reach": {{reach}}, "layout": "grid" }""",
            grid =>
                (i, j) =>
                {
                    var (y, x) = ((i / grid.Width) - (j / grid.Width), (i % grid.Width) - (j % grid.Width));
                    return (y % Math.Min(rate, grid.Height) == 0 && x % Math.Min(rate, grid.Width) == 0)
                        || (Math.Abs(y) <= reach && Math.Abs(x) <= reach);
                }
        );

    [Theory]
    [InlineData(1, 3)]
    [InlineData(4, 2)]
    [InlineData(4, 3)]
    [InlineData(16, 2)]
    [InlineData(7, 100)]
    public void Strided_Sequence_EqualsDense(int block, int stride) =>
        Compare(
            $$"""{ "type": "StridedAttention", "block_size": {{block}}, "stride": {{stride}} }""",
            _ =>
                (i, j) =>
                {
                    var blocks = (i / block) - (j / block);
                    return Math.Abs(blocks) < stride || blocks % stride == 0;
                }
        );

    [Theory]
    [InlineData(3, 1)]
    [InlineData(5, 1)]
    [InlineData(3, 2)]
    [InlineData(7, 3)]
    public void Neighborhood_Grid_EqualsDense(int kernel, int dilation) =>
        Compare(
            $$"""{ "type": "NeighborhoodAttention", "kernel_size": {{kernel}}, "dilation": {{dilation}} }""",
            grid =>
                (i, j) =>
                    Neighbours(i / grid.Width, j / grid.Width, grid.Height, kernel, dilation)
                    && Neighbours(i % grid.Width, j % grid.Width, grid.Width, kernel, dilation)
        );

    [Theory]
    [InlineData(3, 1)]
    [InlineData(9, 2)]
    [InlineData(101, 1)]
    public void Neighborhood_Sequence_EqualsDense(int kernel, int dilation) =>
        Compare(
            $$"""{ "type": "NeighborhoodAttention", "kernel_size": {{kernel}}, "dilation": {{dilation}}, "layout": "sequence" }""",
            grid => (i, j) => Neighbours(i, j, grid.Height * grid.Width, kernel, dilation)
        );

    [Fact]
    public void Sparse_ChunksOfGroupsAndQueries_EqualDense()
    {
        // 3 heads, 2 images, 1,500 tokens: more logits than one chunk holds, in both parts.
        using var layer = Formula.Fill(
            Build.From<TokenAttention>("""{ "type": "SparseAttention", "rate": 2, "reach": 400 }""", new AttentionShape(Channels, Heads))
        );
        var grid = new TokenGrid(1, 1500);
        var positions = arange(1500, dtype: ScalarType.Int64);
        var distance = positions.unsqueeze(0) - positions.unsqueeze(1);
        using var mask = distance.remainder(2).eq(0).logical_or(distance.abs().le(400)).to(ScalarType.Float32);
        DenseOracle.AssertEqual(layer, grid, x => DenseOracle.Apply(layer, x, Heads, mask), Channels);
    }

    // The neighbours of i among those of its own class modulo the dilation: the kernel's number of them nearest to it, the window moved
    // inwards at the ends.
    private static bool Neighbours(int i, int j, int length, int kernel, int dilation)
    {
        dilation = Math.Min(dilation, length);
        if ((i - j) % dilation != 0)
            return false;
        var same = Enumerable.Range(0, length).Where(other => (other - i) % dilation == 0).ToArray();
        if (same.Length <= kernel)
            return true;
        var (own, first) = (Array.IndexOf(same, i), Array.IndexOf(same, i) - (kernel / 2));
        first = Math.Max(0, Math.Min(first, same.Length - kernel));
        Assert.InRange(own, first, first + kernel - 1);
        return same.Skip(first).Take(kernel).Contains(j);
    }

    private static void Compare(string config, Func<TokenGrid, Func<int, int, bool>> attends)
    {
        foreach (var (height, width) in _grids)
        foreach (var leading in new[] { 0, 1, 2 })
        {
            if (leading == 2 && height * width > 40)
                continue;
            var grid = new TokenGrid(height, width, leading);
            using var layer = Formula.Fill(Build.From<TokenAttention>(config, new AttentionShape(Channels, Heads, Fused: leading == 0)));
            using var mask = DenseOracle.Mask(grid, attends(grid));
            // One key alone: its weight is 1 whatever the query.
            var alone = mask.sum(1).max().item<float>() == 1;
            DenseOracle.AssertEqual(layer, grid, x => DenseOracle.Apply(layer, x, Heads, mask), Channels, dead: alone);
        }
    }
}
