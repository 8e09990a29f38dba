using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation;

/// <summary>Which layer explains a model, and how its tokens lie over the image.</summary>
public sealed class MapLayerTests
{
    [Theory]
    [MemberData(nameof(ContractConfigs.Backbones), MemberType = typeof(ContractConfigs))]
    public void Find_EveryBackbone_GivesALayerThatReachesTheScore(string config)
    {
        using var model = Explained.Classifier(config);
        foreach (var (height, width) in new[] { (64, 64), (64, 96), (96, 64) })
        {
            using var scope = NewDisposeScope();
            var target = Explained.Target(3, 1);
            var layer = MapLayers.Find(model, Explained.Images(1, height, width), target);
            var tokens = layer.Grid.Height * layer.Grid.Width;
            Assert.Equal(layer.Grid with { Leading = 0 }, MapLayers.GridOf(tokens, height, width, leading: 0));
            using var run = new ExplainedRun(model, Explained.Images(2, height, width), target, layer);
            Assert.Equal([2, layer.Grid.Height, layer.Grid.Width], (long[])[run.Gradient.shape[0], .. run.Gradient.shape[2..]]);
            Assert.Equal(run.Gradient.shape, run.Activation.shape);
            Assert.True(run.Gradient.isfinite().all().item<bool>());
            Assert.All([0L, 1L], image => Assert.True(run.Gradient[image].abs().max().item<float>() > 0));
        }
    }

    [Theory]
    [InlineData("""{ "type": "ResNet", "depth": 18, "base_channels": 8 }""", "backbone.layer4")]
    [InlineData("""{ "type": "CifarResNet", "depth": 8 }""", "backbone.layer3")]
    [InlineData("""{ "type": "ConvNeXt", "depths": [1, 1], "channels": [8, 12], "layer_scale_init_value": 0.5 }""", "backbone.stages.1")]
    [InlineData("""{ "type": "MobileNetV3", "widen_factor": 0.5 }""", "backbone.conv2")]
    [InlineData("""{ "type": "EfficientNet", "widen_factor": 0.25, "deepen_factor": 0.2 }""", "backbone.conv2")]
    [InlineData("""{ "type": "DenseNet", "growth_rate": 4, "stage_layers": [1, 2, 1, 1] }""", "backbone.stage4")]
    [InlineData("""{ "type": "RegNet", "depth": 6, "w0": 8, "wa": 8, "wm": 2, "group_size": 4 }""", "backbone.layer4")]
    [InlineData(
        """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 64, "patch_size": 8 }""",
        "backbone.blocks.2.norm1"
    )]
    [InlineData(
        """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 64, "patch_size": 8, "features": "average" }""",
        "backbone.blocks.2"
    )]
    [InlineData(
        """{ "type": "T2TViT", "arch": 7, "embed_dim": 32, "depth": 2, "token_dim": 16, "image_size": 32 }""",
        "backbone.blocks.1.norm1"
    )]
    [InlineData(
        """{ "type": "SwinTransformer", "embed_dim": 12, "depths": [2, 2], "num_heads": [1, 2], "window_size": 3, "out_indices": [1] }""",
        "backbone.norm"
    )]
    [InlineData(
        """{ "type": "SwinTransformerV2", "embed_dim": 12, "depths": [2, 2], "num_heads": [1, 2], "window_size": 3, "out_indices": [1] }""",
        "backbone.norm"
    )]
    [InlineData(
        """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 64, "patch_size": 8, "reg_tokens": 4, "rotary": {}, "absolute_positions": false }""",
        "backbone.blocks.2.norm1"
    )]
    [InlineData(
        """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 64, "patch_size": 8, "class_token": false, "features": "attention_pool" }""",
        "backbone.norm"
    )]
    [InlineData(
        """{ "type": "PyramidVisionTransformer", "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1], "mlp_ratios": [2, 2, 2, 2], "image_size": 64, "features": "cls_token" }""",
        "backbone.block4.0.norm1"
    )]
    [InlineData(
        """{ "type": "HRNet", "channels": 4, "layer1_channels": 4, "stem_channels": 8, "stage_modules": [1, 1, 2], "stage_blocks": [1, 1, 1, 1] }""",
        "backbone.stage4.1"
    )]
    [InlineData("""{ "type": "PyramidVisionTransformerV2", "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1] }""", "backbone.norm4")]
    [InlineData("""{ "type": "MixVisionTransformer", "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1] }""", "backbone.norm4")]
    [InlineData("""{ "type": "UNet", "base_channels": 4, "num_stages": 3 }""", "backbone.decoder.0")]
    public void Find_KnownBackbone_TakesTheLayerThatItsLiteratureTakes(string config, string expected)
    {
        using var model = Explained.Classifier(config);
        using var images = Explained.Images(1, 64, 64);
        var layer = MapLayers.Find(model, images, Explained.Target(0));
        Assert.Equal(expected, layer.Name);
    }

    [Fact]
    public void Find_RegisterTokens_TakesTheGridThatThePluginTells()
    {
        using var model = Explained.Classifier(new RegisterBackbone());
        using var images = Explained.Images(1, 40, 24); // 5 leading and 15 tokens: 20 would also be 5 x 4
        var layer = MapLayers.Find(model, images, Explained.Target(0));
        Assert.Equal(("backbone.norm", new TokenGrid(5, 3, 5)), (layer.Name, layer.Grid));
    }

    [Fact]
    public void Find_FunctionalMaps_TakesTheBackboneItself()
    {
        using var model = Explained.Classifier(new FunctionalBackbone());
        using var images = Explained.Images(1, 32, 48);
        var layer = MapLayers.Find(model, images, Explained.Target(0));
        Assert.Equal(("backbone", new TokenGrid(8, 12)), (layer.Name, layer.Grid));
        using var run = new ExplainedRun(model, images, Explained.Target(0), layer);
        Assert.Equal([1, 4, 8, 12], run.Gradient.shape);
    }

    [Fact]
    public void Find_ModuleThatRunsThrice_TakesTheRunThatGivesTheMap()
    {
        using var model = Explained.Classifier(new SharedActivationBackbone());
        using var images = Explained.Images(2, 32, 32);
        var layer = MapLayers.Find(model, images[TensorIndex.Slice(0, 1)], Explained.Target(0));
        Assert.Equal(("backbone.act", 1), (layer.Name, layer.Call));
        using var run = new ExplainedRun(model, images, Explained.Target(0, 1), layer);
        Assert.Equal([2, 6, 8, 8], run.Gradient.shape);
    }

    [Fact]
    public void Named_PatchEmbedding_LiesOverTheImageInReadingOrder()
    {
        using var model = Explained.Classifier(
            """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 2, "num_heads": 4, "image_size": 64, "patch_size": 8 }"""
        );
        using var scope = NewDisposeScope();
        var images = Explained.Images(1, 32, 48);
        var changed = images.clone();
        changed[0, 0, 17, 42] += 1; // row 2, column 5
        var layer = MapLayers.Named(model, "backbone.patch_embed", images, Explained.Target(0));
        Assert.Equal(new TokenGrid(4, 6), layer.Grid);
        using var before = new ExplainedRun(model, images, Explained.Target(0), layer);
        using var after = new ExplainedRun(model, changed, Explained.Target(0), layer);
        var places = (before.Activation - after.Activation).abs().sum([0, 1]).nonzero();
        Assert.Equal([2L, 5L], places.data<long>().ToArray());
    }

    [Fact]
    public void Named_BehindTheLastAttentionOfAClassToken_SaysThatTheGradientIsZero()
    {
        using var model = Explained.Classifier(
            """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 64, "patch_size": 8 }"""
        );
        using var images = Explained.Images(1, 64, 64);
        var error = Assert.Throws<UserErrorException>(() => MapLayers.Named(model, "backbone.blocks.2.norm2", images, Explained.Target(0)));
        Assert.Contains("\"backbone.blocks.2.norm2\" can't explain", error.Message, StringComparison.Ordinal);
        Assert.Contains("all gradients are zero", error.Message, StringComparison.Ordinal);

        // The same from a layer that was made by hand.
        var layer = new MapLayer("backbone.blocks.2.norm2", 0, MapForm.Tokens, new TokenGrid(8, 8, 1), "");
        using var run = new ExplainedRun(model, images, Explained.Target(0), layer);
        Assert.Contains("all gradients are zero", Assert.Throws<UserErrorException>(() => run.Gradient).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Named_Misspelt_NamesTheNearest()
    {
        using var model = Explained.Classifier("""{ "type": "CifarResNet", "depth": 8 }""");
        using var images = Explained.Images(1, 32, 32);
        var error = Assert.Throws<UserErrorException>(() => MapLayers.Named(model, "backbone.layer_4", images, Explained.Target(0)));
        Assert.Contains("Did you mean \"backbone.layer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Named_AVector_SaysThatItIsNoMap()
    {
        using var model = Explained.Classifier("""{ "type": "CifarResNet", "depth": 8 }""");
        using var images = Explained.Images(1, 32, 32);
        var error = Assert.Throws<UserErrorException>(() => MapLayers.Named(model, "head", images, Explained.Target(0)));
        Assert.Contains("gives [1, 5], which is no map", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_TokensOverImagesOfAnotherSize_IsRefused()
    {
        using var model = Explained.Classifier(
            """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 2, "num_heads": 4, "image_size": 64, "patch_size": 8 }"""
        );
        using var images = Explained.Images(1, 64, 96);
        using var turned = Explained.Images(1, 96, 64); // as many tokens, which lie otherwise
        var layer = MapLayers.Find(model, images, Explained.Target(0));
        var error = Assert.Throws<UserErrorException>(() => new ExplainedRun(model, turned, Explained.Target(0), layer));
        Assert.Contains("found with images of 64 x 96 pixels; these are of 96 x 64", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_ClassThatIsNone_IsToldSo()
    {
        using var model = Explained.Classifier("""{ "type": "CifarResNet", "depth": 8 }""");
        using var images = Explained.Images(1, 32, 32);
        var error = Assert.Throws<UserErrorException>(() => MapLayers.Find(model, images, Explained.Target(7)));
        Assert.Contains("no class 7", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(12, 8, 12, 0, 3, 4)] // patches of 3, the last row filled up
    [InlineData(12, 75, 53, 0, 4, 3)] // patches of 16, what is left over not looked at
    [InlineData(197, 224, 224, 1, 14, 14)]
    [InlineData(201, 224, 224, 5, 14, 14)]
    [InlineData(96, 64, 96, 0, 8, 12)]
    [InlineData(96, 96, 64, 0, 12, 8)]
    public void GridOf_TokensOfAnImage_HasItsProportions(long tokens, int height, int width, int leading, int rows, int columns) =>
        Assert.Equal(new TokenGrid(rows, columns, leading), MapLayers.GridOf(tokens, height, width, leading));
}
