using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Backbones;

public sealed class T2TViTTests
{
    private const string Small = """ "type": "T2TViT", "arch": 7, "embed_dim": 32, "depth": 2, "token_dim": 8 """;

    /// <summary>Token by token: a mean of the values, weighted by the kernel of query and key.</summary>
    [Fact]
    public void TokenPerformer_MatchesTheSumOverPairs()
    {
        using var module = new TokenPerformer(6, 4, 0.1, stride: 4);
        module.eval();
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var layers = module.named_children().ToDictionary(child => child.name, child => (nn.Module<Tensor, Tensor>)child.module);
        var x = Formula.Values("images", 2, 5, 6);
        var parts = layers["kqv"].call(layers["norm1"].call(x)).chunk(3, -1);
        var w = module.get_buffer("w")!;
        Assert.True(w.mm(w.t()).allclose(eye(2) * 2, 1e-5, 1e-5)); // orthogonal rows of length √m
        var mixed = zeros(2, 5, 4);
        for (var b = 0; b < 2; b++)
        for (var to = 0; to < 5; to++)
        {
            var total = 0.0;
            for (var from = 0; from < 5; from++)
            {
                var kernel = 0.0;
                for (var f = 0; f < 2; f++)
                    kernel += Feature(parts[1][b, to], f) * Feature(parts[0][b, from], f);
                total += kernel;
                mixed[b, to] += parts[2][b, from] * kernel;
            }
            mixed[b, to] /= total;
        }
        var expected = parts[2] + layers["proj"].call(mixed);
        expected = expected + layers["mlp"].call(layers["norm2"].call(expected));
        Assert.True(expected.allclose(module.call(x), 1e-4, 1e-5));

        double Feature(Tensor token, int f) =>
            Math.Exp((token * w[f]).sum().item<float>() - (token.square().sum().item<float>() / 2)) / Math.Sqrt(2);
    }

    [Theory]
    [InlineData("performer")]
    [InlineData("transformer")]
    public void Forward_OtherImageSize_EqualsResizedEmbedding(string tokens)
    {
        using var small = Formula.Fill(Build.From<Backbone>($$"""{ {{Small}}, "tokens": "{{tokens}}", "image_size": 32 }"""));
        using var large = Build.From<Backbone>($$"""{ {{Small}}, "tokens": "{{tokens}}", "image_size": [64, 48] }""");
        small.eval();
        large.eval();
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        large.load_state_dict(small.state_dict().ToDictionary(entry => entry.Key, entry => large.Fit(entry.Key, entry.Value)));
        var images = Formula.Values("images", 2, 3, 64, 48);
        Assert.True((small.call(images)[0] - large.call(images)[0]).abs().max().item<float>() < 1e-5f);
    }

    [Fact]
    public void Maps_OddSize_AreThoseOfThePaddedImage()
    {
        using var model = Formula.Fill(Build.From<Backbone>($$"""{ {{Small}}, "image_size": 32, "features": "maps" }"""));
        model.eval();
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var images = Formula.Values("images", 1, 3, 33, 7);
        var map = model.call(images)[0];
        Assert.Equal([1, 32, 3, 1], map.shape);
        Assert.True(map.equal(model.call(nn.functional.pad(images, [0, 9, 0, 15]))[0]).all().item<bool>());
    }

    [Fact]
    public void TappedWeights_TransformerTokens_SumToOneAndChangeNothing()
    {
        using var model = Formula.Fill(Build.From<Backbone>($$"""{ {{Small}}, "image_size": 32, "tokens": "transformer" }"""));
        model.eval();
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var images = Formula.Values("images", 1, 3, 32, 32);
        var expected = model.call(images)[0];
        using var tap = model.Tap("tokens_to_token.attention1.attn.weights");
        Assert.True(expected.allclose(model.call(images)[0], 1e-4, 1e-5));
        Assert.Equal([1, 1, 64, 64], tap.Value.shape);
        Assert.True(tap.Value.sum(dim: -1).allclose(ones(1, 1, 64), 1e-5, 1e-5));
    }

    [Fact]
    public void StateDict_KeepsEmbeddingsAndRandomFeatures_WhichAreNotTrained()
    {
        using var model = Build.From<Backbone>($$"""{ {{Small}}, "image_size": 32 }""");
        var fixedKeys = model
            .state_dict()
            .Keys.Except(model.named_parameters().Select(parameter => parameter.name))
            .Order(StringComparer.Ordinal);
        Assert.Equal(["pos_embed", "tokens_to_token.attention1.w", "tokens_to_token.attention2.w"], fixedKeys);
    }

    [Theory]
    [InlineData("timm", "tokens_to_token.attention2.kqv.weight", "tokens_to_token.attention2.kqv.weight")]
    [InlineData("timm", "head.bias", null)]
    [InlineData("mmlab", "backbone.tokens_to_token.attention1.ffn.layers.0.0.weight", "tokens_to_token.attention1.mlp.fc1.weight")]
    [InlineData("mmlab", "backbone.tokens_to_token.attention2.attn.qkv.weight", "tokens_to_token.attention2.attn.qkv.weight")]
    [InlineData("mmlab", "backbone.encoder.13.ffn.layers.1.bias", "blocks.13.mlp.fc2.bias")]
    [InlineData("mmlab", "backbone.encoder.0.ln2.weight", "blocks.0.norm2.weight")]
    [InlineData("mmlab", "backbone.norm.weight", "norm.weight")]
    [InlineData("mmlab", "head.layers.head.weight", null)]
    public void KeyMaps_PublishedNames_BecomeOurs(string map, string foreign, string? own)
    {
        using var model = Build.From<Backbone>($$"""{ {{Small}} }""");
        Assert.Equal(own, model.KeyMaps[map].Rename(foreign));
    }

    [Theory]
    [InlineData(""" "out_indices": [2], "features": "maps" """, "out_indices must rise and lie in 0 .. 1")]
    [InlineData(""" "out_indices": [1] """, "belongs to features")]
    [InlineData(""" "arch": 9 """, "7, 10, 12, 14, 19")]
    public void Options_ThatContradict_AreTheUsersMistake(string options, string message) =>
        Assert.Contains(
            message,
            Assert
                .Throws<UserErrorException>(() =>
                    Build.From<Backbone>(
                        $$"""{ {{Small.Replace(options.Contains("arch", StringComparison.Ordinal) ? " \"arch\": 7," : "nothing", "", StringComparison.Ordinal)}}, {{options}} }"""
                    )
                )
                .Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void OddWidth_IsTheUsersMistake() =>
        Assert.Contains(
            "must be even",
            Assert.Throws<UserErrorException>(() => new T2TViT(new T2TViTOptions(EmbedDim: 33, NumHeads: 3))).Message,
            StringComparison.Ordinal
        );
}
