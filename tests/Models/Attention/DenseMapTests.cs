using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Attention;

/// <summary>What a tapped layer says it attends, times the values, is what the layer gives without a tap.</summary>
public sealed class DenseMapTests
{
    private const int Channels = 12;
    private const int Heads = 3;
    private const int Width = Channels / Heads;

    private static readonly (int Height, int Width)[] s_grids = [(1, 1), (1, 13), (3, 5), (5, 7), (8, 8)];

    public static TheoryData<string> Square =>
        [
            """{ "type": "FullAttention" }""",
            """{ "type": "AtrousAttention", "rate": 3 }""",
            """{ "type": "AtrousAttention", "rate": 2, "layout": "grid" }""",
            """{ "type": "LocalAttention", "reach": 2, "dilation": 2 }""",
            """{ "type": "LocalAttention", "reach": 1, "layout": "grid" }""",
            """{ "type": "SparseAttention", "rate": 4, "reach": 3 }""",
            """{ "type": "SparseAttention", "rate": 2, "reach": 1, "layout": "grid" }""",
            """{ "type": "StridedAttention", "block_size": 4, "stride": 2 }""",
            """{ "type": "NeighborhoodAttention", "kernel_size": 3, "dilation": 2 }""",
            """{ "type": "NeighborhoodAttention", "kernel_size": 5, "layout": "sequence" }""",
            """{ "type": "LshAttention", "bucket_size": 4, "rounds": 3 }""",
            """{ "type": "LshAttention", "bucket_size": 7, "rounds": 1, "across_buckets": false }""",
            """{ "type": "WindowAttention", "window_size": 3, "shift": "never" }""",
            """{ "type": "WindowAttention", "window_size": 3, "shift": "always" }""",
            """{ "type": "WindowAttention", "window_size": 4, "shift": "always", "padding": "attended_after_shift" }""",
            """{ "type": "WindowAttention", "window_size": 4, "shift": "always", "padding": "masked" }""",
            """{ "type": "WindowAttention", "window_size": 5, "shift": "always", "layout": "sequence" }""",
            """{ "type": "LongShortDistanceAttention", "group_size": 3, "interval": 2, "distance": "long" }""",
            """{ "type": "LongShortDistanceAttention", "group_size": 3, "distance": "short", "small_grid": "square" }""",
        ];

    [Theory]
    [MemberData(nameof(Square))]
    public void Dense_TimesValues_IsWhatTheLayerMixes(string config)
    {
        foreach (var (height, width) in s_grids)
        foreach (var leading in new[] { 0, 2 })
        {
            var grid = new TokenGrid(height, width, leading);
            using var layer = Layer(config);
            using var scope = NewDisposeScope();
            using var still = no_grad();
            var (q, k, v) = Projected(grid.Count, grid.Count);
            var untapped = layer.MixAlone(q, k, v, grid);
            using var tap = layer.Tap("weights");
            Close(untapped, layer.MixAlone(q, k, v, grid), $"{grid}: tapped");

            var map = (IAttentionMap)layer;
            var dense = map.Dense(tap.Value, grid);
            Assert.Equal([2, Heads, grid.Count, grid.Count], dense.shape);
            Assert.True(dense.min().item<float>() >= 0);
            // What is missing in a row went to padding, whose value is the layer's bias.
            var missing = 1 - dense.sum(-1, keepdim: true);
            var padding = layer.state_dict().TryGetValue("qkv.bias", out var bias)
                ? bias.narrow(0, 2 * Channels, Channels)
                : zeros(Channels);
            Close(untapped, dense.matmul(v) + (missing * padding.view(1, Heads, 1, Width)), $"{grid}: dense");
            if (!config.Contains("Window", StringComparison.Ordinal) || config.Contains("masked", StringComparison.Ordinal))
                Assert.True(missing.abs().max().item<float>() < 1e-5f, $"{grid}: rows");

            var rows = Formula.Values("rows", 2, Heads, grid.Count);
            Close(rows.unsqueeze(2).matmul(dense).squeeze(2), map.Pull(rows, tap.Value, grid), $"{grid}: pulled");
            Close(dense.sum(-1), map.RowSums(tap.Value, grid), $"{grid}: sums of rows");
            var joined = tap.Value.amax([1], keepdim: true);
            Close(dense.amax([1], keepdim: true), map.Dense(joined, grid), $"{grid}: one head");
            Close(rows.unsqueeze(2).matmul(map.Dense(joined, grid)).squeeze(2), map.Pull(rows, joined, grid), $"{grid}: pulled by one");
        }
    }

    /// <summary>As many values as tell every weight from every other: the values of all draws together have full rank.</summary>
    [Theory]
    [MemberData(nameof(Square))]
    public void Dense_ManyValues_LeavesNoWeightInDoubt(string config)
    {
        var grid = new TokenGrid(3, 5, config.Contains("Window", StringComparison.Ordinal) ? 0 : 1);
        using var layer = Layer(config);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var (q, k, _) = Projected(grid.Count, grid.Count);
        var (mixed, drawn) = (new List<Tensor>(), new List<Tensor>());
        for (var i = 0; i < 7; i++)
        {
            drawn.Add(Formula.Values($"values {i}", 2, Heads, grid.Count, Width));
            mixed.Add(layer.MixAlone(q, k, drawn[^1], grid) - layer.MixAlone(q, k, zeros_like(drawn[^1]), grid)); // without padding's value
        }
        using var tap = layer.Tap("weights");
        _ = layer.MixAlone(q, k, drawn[0], grid);
        var values = cat(drawn, -1).to(ScalarType.Float64); // [2, heads, N, 28]
        var solved = cat(mixed, -1).to(ScalarType.Float64).matmul(linalg.pinv(values));
        Assert.True((solved - ((IAttentionMap)layer).Dense(tap.Value, grid)).abs().max().item<double>() < 1e-4);
    }

    [Theory]
    [InlineData("""{ "type": "SpatialReductionAttention", "ratio": 2 }""")]
    [InlineData("""{ "type": "SpatialReductionAttention", "ratio": 3 }""")]
    [InlineData("""{ "type": "SpatialReductionAttention", "ratio": 1 }""")]
    [InlineData("""{ "type": "LinearAttention", "pool": 3 }""")]
    [InlineData("""{ "type": "LinearAttention", "pool": 7 }""")]
    public void Reduced_SpreadOverTokens_EqualsSharesByHand(string config)
    {
        var side = int.Parse(config.Split(": ")[^1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        foreach (var (height, width) in s_grids)
        foreach (var leading in new[] { 0, 1 })
        {
            var grid = new TokenGrid(height, width, leading);
            using var layer = Layer(config);
            using var scope = NewDisposeScope();
            using var still = no_grad();
            using var tap = layer.Tap("weights");
            _ = layer.call(Formula.Values("tokens", 2, grid.Count, Channels), grid);
            var map = (IAttentionMap)layer;
            var dense = map.Dense(tap.Value, grid);
            // Key j over the tokens of its cell, which may be cut off or overlap others.
            var linear = config.Contains("Linear", StringComparison.Ordinal);
            var (rows, columns) = linear ? (side, side) : ((height + side - 1) / side, (width + side - 1) / side);
            var shares = zeros(dense.shape[3], grid.Count);
            for (var i = 0; i < leading; i++)
                shares[i, i] = 1;
            for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++)
            {
                var (top, bottom) = linear ? Bin(i, height, side) : (i * side, Math.Min((i + 1) * side, height));
                var (left, right) = linear ? Bin(j, width, side) : (j * side, Math.Min((j + 1) * side, width));
                for (var y = top; y < bottom; y++)
                for (var x = left; x < right; x++)
                    shares[leading + (i * columns) + j, leading + (y * width) + x] = 1f / ((bottom - top) * (right - left));
            }
            var spread = map.Spread(dense, grid);
            Assert.Equal([2, Heads, grid.Count, grid.Count], spread.shape);
            Close(dense.matmul(shares), spread, $"{grid}");
            Close(ones(2, Heads, grid.Count), spread.sum(-1), $"{grid}: rows");
        }

        static (int First, int End) Bin(int part, int places, int parts) =>
            ((int)Math.Floor(part * places / (double)parts), (int)Math.Ceiling((part + 1) * places / (double)parts));
    }

    [Theory]
    [MemberData(nameof(Square))]
    public void Tapped_GradientOfTheWeights_IsDirectionTimesValues(string config)
    {
        var grid = new TokenGrid(3, 5);
        using var layer = Layer(config);
        using var scope = NewDisposeScope();
        var (q, k, v) = Projected(grid.Count, grid.Count);
        using var tap = layer.Tap("weights");
        var mixed = layer.MixAlone(q.requires_grad_(), k, v, grid);
        var direction = Formula.Values("direction", mixed.shape);
        var gradient = Derivatives.Of((mixed * direction).sum(), [tap.Value])[0]!;
        var map = (IAttentionMap)layer;
        using var still = no_grad();
        // Out = A V, so that the derivative by A is direction Vᵀ: where a token attends another.
        var attended = map.Dense(tap.Value, grid).gt(0);
        var expected = direction.matmul(v.transpose(-2, -1)) * attended;
        Close(expected, map.Dense(gradient, grid) * attended, "gradient");
    }

    [Fact]
    public void Tapped_TooManyTokens_SaysSo()
    {
        using var layer = Layer("""{ "type": "LocalAttention" }""");
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var tap = layer.Tap("weights");
        var error = Assert.Throws<Framework.Errors.UserErrorException>(() =>
            layer.call(zeros(1, 20000, Channels), new TokenGrid(100, 200))
        );
        Assert.Contains("20,000 tokens", error.Message, StringComparison.Ordinal);
        Assert.Contains("a smaller image", error.Message, StringComparison.Ordinal);
    }

    private static TokenAttention Layer(string config)
    {
        var layer = Formula.Fill(Build.From<TokenAttention>(config, new AttentionShape(Channels, Heads)));
        layer.eval();
        return layer;
    }

    private static (Tensor Q, Tensor K, Tensor V) Projected(int queries, int keys) =>
        (
            Formula.Values("queries", 2, Heads, queries, Width) * 6,
            Formula.Values("keys", 2, Heads, keys, Width) * 6,
            Formula.Values("values", 2, Heads, keys, Width) * 6
        );

    private static void Close(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        var apart = (expected - actual).abs().max().item<float>();
        Assert.True(apart <= 2e-5f * Math.Max(1, expected.abs().max().item<float>()), $"{what}: {apart} apart");
    }
}
