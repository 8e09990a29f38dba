using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Backbones;

/// <summary>Weights of one form in a network of another, and options that don't go together.</summary>
public sealed class VitFormTests : IDisposable
{
    private const string Plain = """ "patch_size": 8, "image_size": 32 """;

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-forms-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(
        """, "layer_scale": 1e-5, "reg_tokens": 3, "position_tokens": "patches" """,
        "",
        "They have 3 registers, have a LayerScale: set reg_tokens: 3, layer_scale: 1e-5, or skip what is to start anew (init.skip)."
    )]
    [InlineData(
        "",
        """, "layer_scale": 1e-5, "reg_tokens": 3, "position_tokens": "class" """,
        "They lack registers, lack a LayerScale: set reg_tokens: 0, layer_scale: null, or skip what is to start anew (init.skip)."
    )]
    [InlineData(
        """, "rotary": {}, "absolute_positions": false, "qkv_layout": "no_key_bias" """,
        "",
        "They lack learned positions, have biases of queries and values alone: set absolute_positions: false, "
            + "qkv_layout: \"no_key_bias\", qkv_bias: true, or skip what is to start anew (init.skip)."
    )]
    [InlineData(
        """, "pre_norm": true """,
        "",
        "They have a norm before the first block: set pre_norm: true, or skip what is to start anew (init.skip)."
    )]
    [InlineData(
        """, "qkv_layout": "separate", "mlp_type": "swiglu" """,
        "",
        "They have a SwiGLU of two layers, have layers q_proj, k_proj and v_proj: set mlp_type: \"swiglu\", qkv_layout: \"separate\", "
            + "or skip what is to start anew (init.skip)."
    )]
    public void Weights_OfAnotherForm_AreRefusedWithTheOptions(string stored, string wanted, string expected)
    {
        using var source = Build.From<Backbone>(VitFamilies.Small(Plain + stored, """ "class_token": true """));
        using var target = Build.From<Backbone>(VitFamilies.Small(Plain + wanted, """ "class_token": true """));
        var path = Path.Combine(_folder, "weights.safetensors");
        ForeignFile.Write(path, source.state_dict().Select(entry => (entry.Key, entry.Value)));
        var error = Assert.Throws<UserErrorException>(() =>
            new PretrainedInitializer(new PretrainedOptions(path)).Initialize(target, new InitContext())
        );
        Assert.Equal($"{path}\n  The weights are of another form of the backbone. {expected}", error.Message);
    }

    [Fact]
    public void Weights_WithoutWhatIsSkipped_AreTaken()
    {
        using var source = Formula.Fill(Build.From<Backbone>(VitFamilies.Small(Plain, """ "class_token": true """)));
        using var target = Build.From<Backbone>(VitFamilies.Small(Plain, """ "layer_scale": 0.5 """));
        var path = Path.Combine(_folder, "weights.safetensors");
        ForeignFile.Write(path, source.state_dict().Select(entry => (entry.Key, entry.Value)));
        new PretrainedInitializer(new PretrainedOptions(path, Skip: ["ls[12]"])).Initialize(target, new InitContext());
        Assert.Equal(0.5f, target.state_dict()["blocks.0.ls1.gamma"][0].item<float>());
        Assert.True(target.state_dict()["norm.weight"].Equals(source.state_dict()["norm.weight"]));
    }

    [Theory]
    [InlineData(
        """ "patch_size": 14, "image_size": [224, 230] """,
        "patch_size 14 doesn't divide image_size [224, 230]; the next sizes are 224 and [224, 238]."
    )]
    [InlineData(
        """ "patch_size": 8, "image_size": 32, "features": "maps", "fc_norm": true """,
        "fc_norm belongs to features that are pooled, not to \"maps\"."
    )]
    [InlineData(
        """ "patch_size": 8, "image_size": 32, "absolute_positions": false, "position_start": "sin_cos" """,
        "position_start and position_tokens need absolute_positions: true."
    )]
    [InlineData(
        """ "patch_size": 8, "image_size": 32, "mlp_type": "swiglu", "mlp_activation": "quick_gelu" """,
        "mlp_activation belongs to mlp_type \"mlp\"; SwiGLU has SiLU."
    )]
    [InlineData(
        """ "patch_size": 8, "image_size": 32, "mlp_norm": true """,
        "mlp_norm belongs to mlp_type \"swiglu\" and \"swiglu_packed\"."
    )]
    public void Options_ThatDontGoTogether_AreRefused(string options, string expected)
    {
        var error = Assert.Throws<UserErrorException>(() => Build.From<Backbone>(VitFamilies.Small(options, """ "in_channels": 3 """)));
        Assert.Contains("VisionTransformer: " + expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "type": "T2TViT", "arch": 7, "features": "attention_pool" }""", "T2TViT")]
    [InlineData("""{ "type": "PyramidVisionTransformer", "features": "attention_pool" }""", "PyramidVisionTransformer")]
    public void AttentionPool_OfOtherBackbones_IsRefused(string config, string name) =>
        Assert.Contains(
            $"{name} has no features \"attention_pool\"; VisionTransformer has.",
            Assert.Throws<UserErrorException>(() => Build.From<Backbone>(config)).Message,
            StringComparison.Ordinal
        );
}
