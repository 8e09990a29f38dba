using Tessera.Framework.Models;
using Tessera.Models.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Attention;

/// <summary>Attention to a shrunken grid, against keys that are made cell by cell.</summary>
public sealed class ReductionTests
{
    private const int Channels = 12;
    private const int Heads = 3;

    [Theory]
    [InlineData(1, "fill")]
    [InlineData(2, "fill")]
    [InlineData(4, "fill")]
    [InlineData(8, "fill")]
    [InlineData(2, "drop")]
    [InlineData(4, "drop")]
    [InlineData(8, "drop")]
    public void SpatialReduction_EveryGrid_EqualsDenseOverCells(int ratio, string remainder) =>
        Compare(
            $$"""{ "type": "SpatialReductionAttention", "ratio": {{ratio}}, "remainder": "{{remainder}}" }""",
            (x, grid, state) =>
            {
                if (ratio == 1)
                    return x;
                var cells = new List<Tensor>();
                bool Counts(int start, int length) => remainder == "fill" || length < ratio || start + ratio <= length;
                for (var top = 0; top < grid.Height; top += ratio)
                for (var left = 0; left < grid.Width; left += ratio)
                {
                    if (!Counts(top, grid.Height) || !Counts(left, grid.Width))
                        continue;
                    var sum = state["sr.bias"].expand(2, Channels);
                    for (var y = top; y < Math.Min(top + ratio, grid.Height); y++)
                    for (var column = left; column < Math.Min(left + ratio, grid.Width); column++)
                        sum =
                            sum
                            + x.select(1, (y * grid.Width) + column)
                                .matmul(state["sr.weight"].select(3, column - left).select(2, y - top).t());
                    cells.Add(sum);
                }
                return nn.functional.layer_norm(stack(cells, 1), [Channels], state["norm.weight"], state["norm.bias"]);
            }
        );

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Linear_EveryGrid_EqualsDenseOverMeans(int pool) =>
        Compare(
            $$"""{ "type": "LinearAttention", "pool": {{pool}} }""",
            (x, grid, state) =>
            {
                var cells = new List<Tensor>();
                for (var i = 0; i < pool; i++)
                for (var j = 0; j < pool; j++)
                {
                    var (top, bottom) = (i * grid.Height / pool, (((i + 1) * grid.Height) + pool - 1) / pool);
                    var (left, right) = (j * grid.Width / pool, (((j + 1) * grid.Width) + pool - 1) / pool);
                    var members = Enumerable
                        .Range(top, bottom - top)
                        .SelectMany(y => Enumerable.Range(left, right - left).Select(column => x.select(1, (y * grid.Width) + column)))
                        .ToArray();
                    cells.Add(stack(members, 1).mean([1]).matmul(state["sr.weight"].view(Channels, Channels).t()) + state["sr.bias"]);
                }
                return nn.functional.gelu(nn.functional.layer_norm(stack(cells, 1), [Channels], state["norm.weight"], state["norm.bias"]));
            }
        );

    private static void Compare(string config, Func<Tensor, TokenGrid, Dictionary<string, Tensor>, Tensor> reduce)
    {
        foreach (var (height, width) in new[] { (1, 1), (1, 13), (3, 5), (8, 8), (11, 13) })
        foreach (var leading in new[] { 0, 1 })
        {
            var grid = new TokenGrid(height, width, leading);
            using var layer = Formula.Fill(Build.From<TokenAttention>(config, new AttentionShape(Channels, Heads)));
            var one =
                leading == 0
                && (
                    (height, width) == (1, 1)
                    || config.Contains("pool\": 1 ", StringComparison.Ordinal)
                    || config.Contains("8, \"remainder\": \"drop\"", StringComparison.Ordinal)
                    || Math.Max(height, width) <= 8
                );
            DenseOracle.AssertEqual(
                layer,
                grid,
                x =>
                {
                    var state = layer.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
                    var source = cat([x.narrow(1, 0, leading), reduce(x.narrow(1, leading, height * width), grid, state)], 1);
                    var pair = nn.functional.linear(source, state["kv.weight"], state["kv.bias"]).chunk(2, -1);
                    var q = nn.functional.linear(x, state["q.weight"], state["q.bias"]);
                    return DenseOracle.Finish(
                        state,
                        DenseOracle.Mix(
                            DenseOracle.Heads(q, Heads),
                            DenseOracle.Heads(pair[0], Heads),
                            DenseOracle.Heads(pair[1], Heads),
                            null,
                            null
                        )
                    );
                },
                Channels,
                dead: one
            );
        }
    }
}
