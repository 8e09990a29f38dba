using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Backbones;

public sealed class VisionTransformerTests
{
    private const string Small = """ "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 4, "patch_size": 8 """;

    [Fact]
    public void StateDict_HasTimmsNames()
    {
        using var model = Build.From<Backbone>($$"""{ {{Small}}, "depth": 1 }""".Replace("\"depth\": 3,", "", StringComparison.Ordinal));
        Assert.Equal(
            [
                "blocks.0.attn.proj.bias",
                "blocks.0.attn.proj.weight",
                "blocks.0.attn.qkv.bias",
                "blocks.0.attn.qkv.weight",
                "blocks.0.mlp.fc1.bias",
                "blocks.0.mlp.fc1.weight",
                "blocks.0.mlp.fc2.bias",
                "blocks.0.mlp.fc2.weight",
                "blocks.0.norm1.bias",
                "blocks.0.norm1.weight",
                "blocks.0.norm2.bias",
                "blocks.0.norm2.weight",
                "cls_token",
                "norm.bias",
                "norm.weight",
                "patch_embed.proj.bias",
                "patch_embed.proj.weight",
                "pos_embed",
            ],
            model.state_dict().Keys.Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void Forward_OtherImageSize_EqualsResizedEmbedding()
    {
        using var small = Formula.Fill(Build.From<Backbone>($$"""{ {{Small}}, "image_size": 32 }"""));
        using var large = Build.From<Backbone>($$"""{ {{Small}}, "image_size": [64, 48] }""");
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        large.load_state_dict(small.state_dict().ToDictionary(entry => entry.Key, entry => large.Fit(entry.Key, entry.Value)));
        var images = Formula.Values("images", 2, 3, 64, 48);
        Assert.True((small.call(images)[0] - large.call(images)[0]).abs().max().item<float>() < 1e-5f);
    }

    [Fact]
    public void Features_LastMapAverageAndToken_AreViewsOfTheSameTokens()
    {
        using var token = Formula.Fill(Build.From<Backbone>($$"""{ {{Small}}, "image_size": 32 }"""));
        using var maps = Formula.Fill(Build.From<Backbone>($$"""{ {{Small}}, "image_size": 32, "features": "maps" }"""));
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var images = Formula.Values("images", 2, 3, 32, 32);
        using var norm = token.Tap("norm");
        var first = token.call(images)[0];
        var map = maps.call(images)[0];
        Assert.True(first.equal(norm.Value.select(1, 0)).all().item<bool>());
        // Pixel (y, x) of the map is token 1 + 4 y + x.
        Assert.True(map[.., .., 2, 3].equal(norm.Value.select(1, 1 + 8 + 3)).all().item<bool>());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(33, 7)]
    [InlineData(31, 65)]
    public void Maps_AnySize_AreThoseOfThePaddedImage(int height, int width)
    {
        using var model = Formula.Fill(
            Build.From<Backbone>($$"""{ {{Small}}, "image_size": 32, "features": "maps", "out_indices": [0, 2] }""")
        );
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var images = Formula.Values("images", 1, 3, height, width);
        var (rows, columns) = ((height + 7) / 8, (width + 7) / 8);
        var padded = zeros(1, 3, 8 * rows, 8 * columns);
        padded[.., .., ..height, ..width] = images;
        foreach (var (map, expected) in model.call(images).Zip(model.call(padded)))
        {
            Assert.Equal([1, 32, rows, columns], map.shape);
            Assert.True(map.equal(expected).all().item<bool>());
        }
    }

    [Fact]
    public void OutIndices_BlocksAfterTheLast_AreNotBuilt()
    {
        using var model = Build.From<Backbone>($$"""{ {{Small}}, "features": "maps", "out_indices": [0, 1] }""");
        Assert.DoesNotContain(
            model.state_dict().Keys,
            key => key.StartsWith("blocks.2", StringComparison.Ordinal) || key.StartsWith("norm", StringComparison.Ordinal)
        );
        Assert.Equal([32, 32], model.OutChannels);
    }

    [Fact]
    public void LayersByDepth_FollowTheBlocks()
    {
        using var model = Build.From<Backbone>($$"""{ {{Small}} }""");
        Assert.Equal(3, model.LayersByDepth.Blocks);
        Assert.Equal(
            [0, 0, 0, 1, 3, 4],
            new[]
            {
                "cls_token",
                "pos_embed",
                "patch_embed.proj.weight",
                "blocks.0.attn.qkv.weight",
                "blocks.2.norm1.bias",
                "norm.weight",
            }.Select(model.LayersByDepth.Of)
        );
    }

    [Fact]
    public void Dropout_Training_ChangesOutput_EvaluationDoesNot()
    {
        using var model = Formula.Fill(
            Build.From<Backbone>($$"""{ {{Small}}, "image_size": 32, "dropout": 0.3, "attention_dropout": 0.3, "drop_path": 0.5 }""")
        );
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var images = Formula.Values("images", 2, 3, 32, 32);
        model.train();
        Assert.False(model.call(images)[0].equal(model.call(images)[0]).all().item<bool>());
        model.eval();
        Assert.True(model.call(images)[0].equal(model.call(images)[0]).all().item<bool>());
    }

    [Theory]
    [InlineData("torchvision", "encoder.layers.encoder_layer_11.self_attention.in_proj_weight", "blocks.11.attn.qkv.weight")]
    [InlineData("torchvision", "encoder.layers.encoder_layer_3.mlp.linear_2.bias", "blocks.3.mlp.fc2.bias")]
    [InlineData("torchvision", "conv_proj.weight", "patch_embed.proj.weight")]
    [InlineData("torchvision", "heads.head.weight", null)]
    [InlineData("timm", "blocks.0.mlp.fc1.bias", "blocks.0.mlp.fc1.bias")]
    [InlineData("timm", "head.bias", null)]
    [InlineData("mmlab", "backbone.layers.7.ffn.layers.0.0.weight", "blocks.7.mlp.fc1.weight")]
    [InlineData("mmlab", "layers.7.ln1.weight", "blocks.7.norm1.weight")]
    [InlineData("mmlab", "backbone.ln1.weight", "norm.weight")]
    [InlineData("mmlab", "head.layers.head.weight", null)]
    public void KeyMaps_PublishedNames_BecomeOurs(string map, string foreign, string? own)
    {
        using var model = Build.From<Backbone>($$"""{ {{Small}} }""");
        Assert.Equal(own, model.KeyMaps[map].Rename(foreign));
    }

    [Theory]
    [InlineData(""" "out_indices": [3], "features": "maps" """, "out_indices must rise and lie in 0 .. 2")]
    [InlineData(""" "out_indices": [1] """, "belongs to features")]
    [InlineData(""" "class_token": false """, "needs class_token: true")]
    [InlineData(""" "image_size": 4 """, "larger than image_size")]
    public void Options_ThatContradict_AreTheUsersMistake(string options, string message) =>
        Assert.Contains(
            message,
            Assert.Throws<UserErrorException>(() => Build.From<Backbone>($$"""{ {{Small}}, {{options}} }""")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Heads_ThatDoNotDivideTheWidth_AreTheUsersMistake() =>
        Assert.Contains(
            "no multiple of 5",
            Assert.Throws<UserErrorException>(() => new VisionTransformer(new VisionTransformerOptions(EmbedDim: 32, NumHeads: 5))).Message,
            StringComparison.Ordinal
        );
}
