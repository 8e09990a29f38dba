using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Layers;

public sealed class LayerTests
{
    [Fact]
    public void DropPath_Training_DropsWholeSamplesAndKeepsTheMean()
    {
        using var layer = new DropPath(0.25);
        layer.train();
        using var scope = NewDisposeScope();
        var output = layer.call(ones(4000, 3, 2));
        var rows = output.reshape(4000, 6);
        Assert.True(rows.amax([1]).equal(rows.amin([1])).all().item<bool>()); // a sample is kept or left out as a whole
        var kept = rows.select(1, 0).gt(0).to(ScalarType.Float32);
        Assert.InRange(kept.mean().item<float>(), 0.72f, 0.78f); // 0.75, within 4 standard deviations
        Assert.Equal(1 / 0.75f, output.max().item<float>(), 1e-6f);
    }

    [Fact]
    public void DropPath_Evaluation_PassesThrough()
    {
        using var layer = new DropPath(0.9);
        layer.eval();
        using var scope = NewDisposeScope();
        Assert.True(layer.call(ones(50, 2)).eq(1).all().item<bool>());
    }

    [Fact]
    public void DropPath_Linear_RisesFromZeroToTheLast()
    {
        Assert.Equal([0, 0.1, 0.2], DropPath.Linear(0.2, 3));
        Assert.Equal([0.2], DropPath.Linear(0.2, 1));
    }

    [Fact]
    public void PositionEmbedding_Resize_AgreesWithPillow()
    {
        foreach (var test in FixtureFile.Json("models", "position_embedding.json").EnumerateArray())
        {
            var (from, to) = (Pair(test.GetProperty("from")), Pair(test.GetProperty("to")));
            using var scope = NewDisposeScope();
            var embedding = Formula.Values($"grid_{from.Height}x{from.Width}", 1, 1 + (from.Height * from.Width), 2);
            var resized = PositionEmbedding.Resize(embedding, 1, from, to);
            Assert.Equal([1, 1 + (to.Height * to.Width), 2], resized.shape);
            Assert.True(resized.narrow(1, 0, 1).equal(embedding.narrow(1, 0, 1)).all().item<bool>()); // the class token stays
            var expected = test.GetProperty("values").EnumerateArray().Select(v => v.GetSingle()).ToArray();
            var actual = resized.narrow(1, 1, to.Height * to.Width).contiguous().data<float>().ToArray();
            for (var i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], actual[i], 1e-5f);
        }

        static (int Height, int Width) Pair(System.Text.Json.JsonElement pair) => (pair[0].GetInt32(), pair[1].GetInt32());
    }

    [Fact]
    public void PositionEmbedding_FitWithAndWithoutClassToken_AddsAndDropsIt()
    {
        using var scope = NewDisposeScope();
        var stored = Formula.Values("stored", 1, 17, 3); // a class token and 4 x 4
        Assert.Same(stored, PositionEmbedding.Fit(stored, 1, (4, 4)));
        Assert.True(PositionEmbedding.Fit(stored, 0, (4, 4)).equal(stored.narrow(1, 1, 16)).all().item<bool>());
        Assert.Equal([1, 37, 3], PositionEmbedding.Fit(stored, 1, (6, 6)).shape);
        var added = PositionEmbedding.Fit(stored.narrow(1, 1, 16), 1, (4, 4));
        Assert.Equal(0, added.narrow(1, 0, 1).abs().sum().item<float>());
        Assert.True(added.narrow(1, 1, 16).equal(stored.narrow(1, 1, 16)).all().item<bool>());
        var strange = Formula.Values("stored", 1, 23, 3);
        Assert.Same(strange, PositionEmbedding.Fit(strange, 1, (4, 4))); // for the loader to report
    }

    [Fact]
    public void FullAttention_FusedAndTapped_AgreeWithTheSlowForm()
    {
        using var layer = Formula.Fill(new FullAttention(new AttentionShape(12, 3)));
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var x = Formula.Values("tokens", 2, 5, 12);
        var fused = layer.call(x, new TokenGrid(1, 5));
        Tensor explicitly;
        using (var tap = layer.Tap("weights"))
        {
            explicitly = layer.call(x, new TokenGrid(1, 5));
            Assert.Equal([2, 3, 5, 5], tap.Value.shape);
            Assert.True(tap.Value.sum(-1).sub(1).abs().max().item<float>() < 1e-5f);
        }
        Assert.True((fused - explicitly).abs().max().item<float>() < 1e-5f);
        var difference = (fused - Slow(layer.state_dict(), x)).abs().max().item<float>();
        Assert.True(difference < 1e-5f, $"{difference}");
    }

    // One sample, one head, one query at a time.
    private static Tensor Slow(Dictionary<string, Tensor> state, Tensor x)
    {
        var output = zeros_like(x);
        for (var b = 0; b < 2; b++)
        for (var head = 0; head < 3; head++)
        {
            Tensor Part(int part) =>
                x[b].matmul(state["qkv.weight"].narrow(0, (part * 12) + (head * 4), 4).t())
                + state["qkv.bias"].narrow(0, (part * 12) + (head * 4), 4);
            var (q, k, v) = (Part(0), Part(1), Part(2));
            for (var n = 0; n < 5; n++)
            {
                var weights = (k.matmul(q[n]) / 2).softmax(0); // √4
                output.select(0, b).select(0, n).narrow(0, head * 4, 4).copy_((v * weights.unsqueeze(1)).sum(dim: 0));
            }
        }
        return output.matmul(state["proj.weight"].t()) + state["proj.bias"];
    }
}
