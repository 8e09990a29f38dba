using Tessera.Models.Backbones;
using Tessera.Models.Layers;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Tessera.Models.Tests.Backbones;

public class VisionTransformerStartTests
{
    [Fact]
    public void AttentionStart_Mimetic_ProductsLieNearTheIdentityAndItsOpposite()
    {
        using var scope = NewDisposeScope();
        using var model = new VisionTransformer(
            new VisionTransformerOptions(VisionTransformerArch.Tiny, new(32, 32), 8, Depth: 1, AttentionStart: AttentionStart.Mimetic)
        );
        var weights = model.state_dict();
        var (qkv, proj) = (weights["blocks.0.attn.qkv.weight"], weights["blocks.0.attn.proj.weight"]);
        const int width = 192,
            head = 64;

        // Tokens' values, projected: x W_V W_proj = x (0.4 Z - 0.4 I), Z ~ N(0, 1 / 192).
        var product = qkv.narrow(0, 2 * width, width).t().matmul(proj.t());
        Assert.Equal(-0.4, product.diagonal().mean().item<float>(), 0.01);
        Assert.Equal(0.4 / Math.Sqrt(width), (product + (eye(width) * 0.4)).std().item<float>(), 0.001);

        // The nearest matrix of rank 64 keeps the largest singular values of 0.7 (Z + I): the sum over its diagonal is near theirs.
        for (var h = 0; h < width / head; h++)
        {
            var scores = qkv.narrow(0, h * head, head).t().matmul(qkv.narrow(0, width + (h * head), head));
            Assert.InRange(scores.diagonal().mean().item<float>(), 0.25, 0.7);
            Assert.True(scores.diagonal().mean().item<float>() > 8 * scores.mean().abs().item<float>());
        }
    }

    [Fact]
    public void SinCos_FollowsRowsAndColumns()
    {
        using var scope = NewDisposeScope();
        var embedding = PositionEmbedding.SinCos((2, 3), 8);
        Assert.Equal([1, 6, 8], embedding.shape);
        // Position 5: row 1, column 2; frequencies 1 and 1 / 100.
        float[] expected =
        [
            MathF.Sin(2),
            MathF.Sin(0.02f),
            MathF.Cos(2),
            MathF.Cos(0.02f),
            MathF.Sin(1),
            MathF.Sin(0.01f),
            MathF.Cos(1),
            MathF.Cos(0.01f),
        ];
        var found = embedding[0, 5];
        for (var i = 0; i < 8; i++)
            Assert.Equal(expected[i], found[i].item<float>(), 1e-6f);
    }

    [Fact]
    public void PositionStart_SinCos_LeavesTheClassTokensEmbedding()
    {
        using var scope = NewDisposeScope();
        using var model = new VisionTransformer(
            new VisionTransformerOptions(VisionTransformerArch.Tiny, new(32, 32), 8, Depth: 1, PositionStart: PositionStart.SinCos)
        );
        var embedding = model.state_dict()["pos_embed"];
        using var expected = PositionEmbedding.SinCos((4, 4), 192);
        Assert.True(embedding.narrow(1, 1, 16).allclose(expected));
        Assert.InRange(embedding.narrow(1, 0, 1).std().item<float>(), 0.01, 0.03);
    }
}
