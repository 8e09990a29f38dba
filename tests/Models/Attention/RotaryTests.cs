using Tessera.Framework.Components;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Attention.Core;
using Tessera.Models.Backbones;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Attention;

public sealed class RotaryTests
{
    private const int Width = 8;

    [Theory]
    [InlineData(RotaryPairs.Halves)]
    [InlineData(RotaryPairs.Neighbours)]
    public void Turn_ByHand_IsARotationOfEachPair(RotaryPairs pairs)
    {
        using var rotary = new RotaryPositions(new RotaryOptions(RotaryCoordinates.Patches, pairs, Base: 100), Width, "x");
        var grid = new TokenGrid(2, 3, Leading: 2);
        using var scope = NewDisposeScope();
        var x = Formula.Values("images", 1, 1, grid.Count, Width);
        var turned = rotary.Turn(x, grid);
        var (before, after) = (x.data<float>().ToArray(), turned.contiguous().data<float>().ToArray());
        for (var token = 0; token < grid.Count; token++)
        for (var pair = 0; pair < 4; pair++)
        {
            // Two pairs turn by row, two by column; the second of each by a tenth (100^-1/2) of the angle.
            var place = token - 2;
            var angle =
                place < 0 ? 0
                : pair < 2 ? place / 3 * Math.Pow(100, -pair / 2.0)
                : place % 3 * Math.Pow(100, -(pair - 2) / 2.0);
            var (a, b) = pairs == RotaryPairs.Halves ? (pair, pair + 4) : (2 * pair, (2 * pair) + 1);
            var (u, v) = (before[(token * Width) + a], before[(token * Width) + b]);
            Assert.Equal((u * Math.Cos(angle)) - (v * Math.Sin(angle)), after[(token * Width) + a], 5);
            Assert.Equal((v * Math.Cos(angle)) + (u * Math.Sin(angle)), after[(token * Width) + b], 5);
        }
    }

    [Fact]
    public void Turn_TheSameQueryAndKeyEverywhere_DependsOnTheOffsetAlone()
    {
        using var rotary = new RotaryPositions(new RotaryOptions(RotaryCoordinates.Patches, RotaryPairs.Neighbours), Width, "x");
        var grid = new TokenGrid(4, 5);
        using var scope = NewDisposeScope();
        var query = rotary.Turn(Formula.Values("images", 1, 1, 1, Width).expand(1, 1, grid.Count, Width), grid);
        var key = rotary.Turn(Formula.Values("labels", 1, 1, 1, Width).expand(1, 1, grid.Count, Width), grid);
        var logits = query.matmul(key.transpose(-2, -1)).view(4, 5, 4, 5);
        Assert.True((logits[0, 0, 2, 1] - logits[1, 3, 3, 4]).abs().item<float>() < 1e-5f);
        Assert.True((logits[3, 4, 1, 2] - logits[2, 2, 0, 0]).abs().item<float>() < 1e-5f);
        Assert.True((logits[0, 0, 2, 1] - logits[0, 0, 1, 2]).abs().item<float>() > 1e-3f);
    }

    [Fact]
    public void Normalized_TwiceTheGrid_GivesTheSameAnglesAtTheSamePlaces()
    {
        using var rotary = new RotaryPositions(new RotaryOptions(), Width, "x");
        using var scope = NewDisposeScope();
        var small = rotary.Turn(ones(1, 1, 9, Width), new TokenGrid(3, 3));
        var large = rotary.Turn(ones(1, 1, 81, Width), new TokenGrid(9, 9));
        // The middle of a third of the image is the middle of its three ninths.
        Assert.True(small[0, 0, 5].allclose(large[0, 0, (4 * 9) + 7], atol: 1e-5));
    }

    [Fact]
    public void FusedAndComposed_Agree_AndTappedToo()
    {
        var shape = new AttentionShape(32, 2) { Rotary = new RotaryPositions(new RotaryOptions(), 16, "x") };
        using var attention = Formula.Fill(new FullAttention(shape));
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var (x, grid) = (Formula.Values("images", 2, 14, 32), new TokenGrid(3, 4, 2));
        var fused = attention.call(x, grid);
        using var tap = attention.Tap("weights");
        var composed = attention.call(x, grid);
        Assert.True(fused.allclose(composed, atol: 1e-5));
        Assert.True(tap.Values[0].sum(-1).allclose(ones_like(tap.Values[0].sum(-1)), atol: 1e-5));
    }

    [Theory]
    [InlineData("""{ "type": "LocalAttention", "layout": "grid", "reach": 100 }""")]
    [InlineData("""{ "type": "NeighborhoodAttention", "kernel_size": 31 }""")]
    public void Pattern_ThatReachesEverywhere_TurnsAsFullAttentionDoes(string pattern)
    {
        const string Vit =
            """ "type": "VisionTransformer", "embed_dim": 32, "depth": 1, "num_heads": 2, "image_size": 32, "patch_size": 8, "rotary": {}, "absolute_positions": false """;
        using var full = Formula.Fill(Build.From<Backbone>($$"""{ {{Vit}} }"""));
        using var other = Formula.Fill(Build.From<Backbone>($$"""{ {{Vit}}, "attention": {{pattern}} }"""));
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var images = Formula.Values("images", 2, 3, 32, 32);
        Assert.True(full.call(images)[0].allclose(other.call(images)[0], atol: 1e-5));
    }

    [Theory]
    [InlineData("""{ "type": "LshAttention" }""", "LshAttention")]
    [InlineData("""{ "type": "SpatialReductionAttention", "ratio": 2 }""", "SpatialReductionAttention")]
    [InlineData("""{ "type": "WindowAttention" }""", "WindowAttention")]
    public void Attention_ThatComparesNoTokens_IsRefused(string attention, string name)
    {
        var error = Assert.Throws<UserErrorException>(() =>
            Build.From<Backbone>(
                $$"""{ "type": "VisionTransformer", "embed_dim": 32, "depth": 1, "num_heads": 2, "rotary": {}, "attention": {{attention}} }"""
            )
        );
        Assert.Contains(
            $"{name} does not compare each token's own query and key, so that it can't take rotary positions",
            error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void OddHeads_AreRefused() =>
        Assert.Equal(
            "VisionTransformer: rotary positions turn pairs of a head's channels, half of the pairs by row and half by column, "
                + "so that a head's width must be a multiple of 4, not 15: choose embed_dim and num_heads so.",
            Assert
                .Throws<UserErrorException>(() =>
                    new VisionTransformer(new VisionTransformerOptions(EmbedDim: 30, NumHeads: 2, Depth: 1, Rotary: new RotaryOptions()))
                )
                .Message
        );

    [Fact]
    public void ReferenceGrid_OfNormalizedCoordinates_IsRefused() =>
        Assert.Contains(
            "rotary.reference_grid belongs to rotary.coordinates \"patches\"",
            Assert
                .Throws<UserErrorException>(() => new RotaryPositions(new RotaryOptions(ReferenceGrid: new HeightWidth(16, 16)), 16, "x"))
                .Message,
            StringComparison.Ordinal
        );
}
