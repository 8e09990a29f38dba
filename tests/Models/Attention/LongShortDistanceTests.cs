using Tessera.Framework.Models;
using Tessera.Models.Attention;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Attention;

public sealed class LongShortDistanceTests
{
    private const int Channels = 48; // the bias network is then 3 wide, the least at which each of its weights counts
    private const int Heads = 3;

    private static readonly (int Height, int Width)[] s_sizes = [(1, 1), (1, 13), (3, 5), (4, 4), (5, 7), (8, 8), (7, 14), (11, 13)];

    /// <summary>Against dense attention over the sets of tokens that the paper names, with the bias of each pair's distance.</summary>
    [Theory]
    [InlineData(3, 2, "long", "whole", 0)]
    [InlineData(2, 3, "long", "whole", 0)]
    [InlineData(3, 8, "long", "square", 0)]
    [InlineData(4, 1, "long", "whole", 0)]
    [InlineData(1, 3, "long", "square", 0)]
    [InlineData(3, 2, "short", "square", 1)]
    [InlineData(4, 5, "short", "whole", 1)]
    [InlineData(3, 2, "alternate", "square", 2)]
    [InlineData(3, 2, "alternate", "square", 3)]
    public void Groups_EveryGrid_EqualDenseOverTheirSets(int size, int interval, string distance, string small, int block)
    {
        var step = distance == "long" || (distance == "alternate" && block % 2 == 1) ? interval : 1;
        foreach (var (height, width) in s_sizes)
        foreach (var leading in new[] { 0, 1 })
        {
            var grid = new TokenGrid(height, width, leading);
            using var layer = Layer(size, interval, distance, small, block);
            bool Together(int i, int j) =>
                SameGroup(i / width, j / width, height, Math.Min(height, width), size, step, small)
                && SameGroup(i % width, j % width, width, Math.Min(height, width), size, step, small);
            using var mask = DenseOracle.Mask(grid, Together);
            var effectiveStep = Math.Min(height, width) <= size ? 1 : step;
            DenseOracle.AssertEqual(
                layer,
                grid,
                x => DenseOracle.Apply(layer, x, Heads, mask, Bias(layer, grid, effectiveStep, Together)),
                Channels,
                dead: mask.narrow(0, leading, height * width).narrow(1, leading, height * width).sum(1).max().item<float>() <= 2
            );
        }
    }

    /// <summary>The sets for 8 x 8 tokens, groups of 2 and interval 2, by hand: token (1, 2) attends rows 1 and 3, columns 0 and 2.</summary>
    [Fact]
    public void LongDistance_EightByEight_AttendsTheTokensNamed()
    {
        using var layer = Layer(2, 2, "long", "whole", 0);
        using var scope = NewDisposeScope();
        var x = Formula.Values("tokens", 1, 64, Channels).requires_grad_();
        var output = layer.call(x, new TokenGrid(8, 8));
        output[0, (1 * 8) + 2].sum().backward();
        var reached = x.grad!.abs().sum(-1).view(64).gt(0);
        var attended = Enumerable.Range(0, 64).Where(i => reached[i].item<bool>());
        Assert.Equal([(1 * 8) + 0, (1 * 8) + 2, (3 * 8) + 0, (3 * 8) + 2], attended);
    }

    [Fact]
    public void Groups_Tapped_GiveTheWeightsAndTheSameOutput()
    {
        using var layer = Layer(3, 2, "long", "whole", 0);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var x = Formula.Values("tokens", 2, 35, Channels);
        var expected = layer.call(x, new TokenGrid(5, 7));
        using var tap = layer.Tap("weights");
        Assert.True((layer.call(x, new TokenGrid(5, 7)) - expected).abs().max().item<float>() < 1e-6f);
        // Regions of 6 x 6 tokens, of which 5 x 7 need 1 x 2; 2 x 2 groups each.
        Assert.Equal([2, Heads, 8, 9, 9], tap.Value.shape);
        Assert.True(tap.Value.sum(-1).sub(1).abs().max().item<float>() < 1e-5f);
    }

    private static TokenAttention Layer(int size, int interval, string distance, string small, int block) =>
        Formula.Fill(
            Build.From<TokenAttention>(
                $$"""{ "type": "LongShortDistanceAttention", "group_size": {{size}}, "interval": {{interval}}, "distance": "{{distance}}", "small_grid": "{{small}}" }""",
                new AttentionShape(Channels, Heads, block)
            )
        );

    // Along one axis: a group takes every step-th position of a region of size * step; a small grid is one group, or is cut into squares
    // of its shorter side.
    private static bool SameGroup(int a, int b, int length, int shorter, int size, int step, string small)
    {
        if (shorter <= size)
            (size, step) = (small == "whole" ? length : shorter, 1);
        return a / (size * step) == b / (size * step) && a % step == b % step;
    }

    private static Tensor Bias(TokenAttention layer, TokenGrid grid, int step, Func<int, int, bool> together)
    {
        var offsets = new float[grid.Count * grid.Count * 2];
        var known = new float[grid.Count * grid.Count];
        for (var i = grid.Leading; i < grid.Count; i++)
        for (var j = grid.Leading; j < grid.Count; j++)
        {
            var (a, b, n) = (i - grid.Leading, j - grid.Leading, (i * grid.Count) + j);
            if (!together(a, b))
                continue;
            (offsets[2 * n], offsets[(2 * n) + 1]) = (
                ((a / grid.Width) - (b / grid.Width)) / step,
                ((a % grid.Width) - (b % grid.Width)) / step
            );
            known[n] = 1;
        }
        var pos = (DynamicPositionBias)layer.named_children().Single(child => child.name == "pos").module;
        return (pos.call(tensor(offsets).view(-1, 2)) * tensor(known).unsqueeze(1)).view(grid.Count, grid.Count, Heads).permute(2, 0, 1);
    }
}
