using Tessera.Framework.Models;
using Tessera.Models.Attention;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Attention;

public sealed class WindowTests
{
    private const int Channels = 12;
    private const int Heads = 3;

    [Theory]
    [InlineData(3, "never", "grid", 0)]
    [InlineData(3, "always", "grid", 0)]
    [InlineData(4, "alternate", "grid", 0)]
    [InlineData(4, "alternate", "grid", 1)]
    [InlineData(7, "alternate", "grid", 3)]
    [InlineData(1, "always", "grid", 0)]
    [InlineData(4, "never", "sequence", 0)]
    [InlineData(5, "always", "sequence", 0)]
    public void Window_EveryGrid_EqualsDenseWithRelativeBias(int window, string shift, string layout, int block)
    {
        var shifted = shift == "always" || (shift == "alternate" && block % 2 == 1);
        foreach (var (height, width) in new[] { (1, 1), (1, 13), (3, 5), (5, 7), (8, 8), (7, 7), (11, 13) })
        foreach (var leading in new[] { 0, 1 })
        {
            var grid = new TokenGrid(height, width, leading);
            using var layer = Formula.Fill(
                Build.From<TokenAttention>(
                    $$"""{ "type": "WindowAttention", "window_size": {{window}}, "shift": "{{shift}}", "layout": "{{layout}}", "padding": "masked" }""",
                    new AttentionShape(Channels, Heads, block)
                )
            );
            var (rows, columns) = layout == "grid" ? (height, width) : (1, height * width);
            var windowY = layout == "grid" ? window : 1;
            // Windows start at the shift; what lies before it is a window of its own.
            int Of(int position, int length, int size) =>
                (int)Math.Floor((position - (shifted && length > size ? size / 2 : 0)) / (double)size);
            using var mask = DenseOracle.Mask(
                grid,
                (i, j) =>
                    Of(i / columns, rows, windowY) == Of(j / columns, rows, windowY)
                    && Of(i % columns, columns, window) == Of(j % columns, columns, window)
            );
            var alone = mask.sum(1).max().item<float>() == 1;
            DenseOracle.AssertEqual(
                layer,
                grid,
                x => DenseOracle.Apply(layer, x, Heads, mask, Bias(layer, grid, columns, windowY, window)),
                Channels,
                dead: alone
            );
        }
    }

    /// <summary>
    /// Padding that is attended: the same layer on a grid of whole windows, whose tokens beyond the first are zeros before
    /// the layer of queries, keys and values. Without a shift nothing else differs.
    /// </summary>
    [Theory]
    [InlineData("attended", true)]
    [InlineData("attended", false)]
    [InlineData("attended_after_shift", true)]
    public void Window_AttendedPadding_EqualsTokensOfZeros(string padding, bool bias)
    {
        using var layer = Formula.Fill(
            Build.From<TokenAttention>(
                $$"""{ "type": "WindowAttention", "window_size": 4, "shift": "never", "padding": "{{padding}}" }""",
                new AttentionShape(Channels, Heads, Bias: bias)
            )
        );
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var map = Formula.Values("tokens", 2, 5, 7, Channels); // [B, H, W, C]
        var filled = nn.functional.pad(map, [0, 0, 0, 1, 0, 3]); // 8 x 8
        var expected = layer.call(filled.flatten(1, 2), new TokenGrid(8, 8)).view(2, 8, 8, Channels).narrow(1, 0, 5).narrow(2, 0, 7);
        var actual = layer.call(map.flatten(1, 2), new TokenGrid(5, 7)).view(2, 5, 7, Channels);
        Assert.True((expected - actual).abs().max().item<float>() < 1e-5f);
    }

    /// <summary>Under a shift: padded, then moved around, with the mask of what came around; timm moves first, then pads.</summary>
    [Theory]
    [InlineData("attended")]
    [InlineData("attended_after_shift")]
    public void Window_AttendedPaddingAndShift_EqualsTheReferencesSteps(string padding)
    {
        const int window = 4,
            shift = 2;
        using var layer = Formula.Fill(
            Build.From<TokenAttention>(
                $$"""{ "type": "WindowAttention", "window_size": {{window}}, "shift": "always", "padding": "{{padding}}" }""",
                new AttentionShape(Channels, Heads)
            )
        );
        using var plain = Build.From<TokenAttention>(
            """{ "type": "WindowAttention", "window_size": 4, "shift": "always" }""",
            new AttentionShape(Channels, Heads)
        );
        plain.load_state_dict(layer.state_dict());
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var map = Formula.Values("tokens", 2, 5, 7, Channels);
        // A grid of whole windows is padded by nothing. What the layer gives for it, shifted as it shifts, is known from the tests above.
        Tensor Whole(Tensor x) => plain.call(x.flatten(1, 2), new TokenGrid(8, 8)).view(2, 8, 8, Channels);
        var expected =
            padding == "attended"
                ? Whole(nn.functional.pad(map, [0, 0, 0, 1, 0, 3])).narrow(1, 0, 5).narrow(2, 0, 7)
                : Whole(nn.functional.pad(map.roll([-shift, -shift], [1, 2]), [0, 0, 0, 1, 0, 3]).roll([shift, shift], [1, 2]))
                    .roll([-shift, -shift], [1, 2])
                    .narrow(1, 0, 5)
                    .narrow(2, 0, 7)
                    .roll([shift, shift], [1, 2]);
        var actual = layer.call(map.flatten(1, 2), new TokenGrid(5, 7)).view(2, 5, 7, Channels);
        Assert.True((expected - actual).abs().max().item<float>() < 1e-5f);
    }

    [Fact]
    public void Window_GridsOfManySizes_GiveTheSameAgain()
    {
        using var layer = Formula.Fill(
            Build.From<TokenAttention>(
                """{ "type": "WindowAttention", "window_size": 3, "shift": "always" }""",
                new AttentionShape(Channels, Heads)
            )
        );
        using var still = no_grad();
        Tensor At(int height, int width) => layer.call(Formula.Values("tokens", 1, height * width, Channels), new TokenGrid(height, width));
        using var scope = NewDisposeScope();
        var first = At(5, 7);
        for (var size = 4; size < 12; size++)
            _ = At(size, size + 1); // more than are kept
        Assert.True(first.equal(At(5, 7)).all().item<bool>());
    }

    [Fact]
    public void Window_Tapped_GivesTheWeightsAndTheSameOutput()
    {
        using var layer = Formula.Fill(
            Build.From<TokenAttention>(
                """{ "type": "WindowAttention", "window_size": 3, "shift": "always" }""",
                new AttentionShape(Channels, Heads)
            )
        );
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var x = Formula.Values("tokens", 2, 35, Channels);
        var expected = layer.call(x, new TokenGrid(5, 7));
        using var tap = layer.Tap("weights");
        Assert.True((layer.call(x, new TokenGrid(5, 7)) - expected).abs().max().item<float>() < 1e-6f);
        Assert.Equal([2, Heads, 2 * 3, 9, 9], tap.Value.shape);
        Assert.True(tap.Value.sum(-1).sub(1).abs().max().item<float>() < 1e-5f);
    }

    // The table's entry for (dy, dx), its rows from -(window - 1): where the mask lets two tokens meet, they are in one window.
    private static Tensor Bias(TokenAttention layer, TokenGrid grid, int columns, int windowY, int window)
    {
        var table = (Tensor)layer.named_parameters().Single(p => p.name == "relative_position_bias_table").parameter;
        var index = new long[grid.Count * grid.Count];
        var known = new float[index.Length];
        for (var i = grid.Leading; i < grid.Count; i++)
        for (var j = grid.Leading; j < grid.Count; j++)
        {
            var (a, b) = (i - grid.Leading, j - grid.Leading);
            var (y, x) = ((a / columns) - (b / columns), (a % columns) - (b % columns));
            if (Math.Abs(y) >= windowY || Math.Abs(x) >= window)
                continue;
            index[(i * grid.Count) + j] = ((y + windowY - 1) * ((2 * window) - 1)) + x + window - 1;
            known[(i * grid.Count) + j] = 1;
        }
        return (table.index_select(0, tensor(index)) * tensor(known).unsqueeze(1)).view(grid.Count, grid.Count, Heads).permute(2, 0, 1);
    }
}
