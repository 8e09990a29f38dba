using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Models.Attention;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Peft;

/// <summary>What methods do to single layers, against arithmetic by hand and against the layer with other weights.</summary>
public sealed class LayerChangeTests
{
    private static nn.Module<Tensor, Tensor> Layer(bool bias = false)
    {
        var layer = nn.Linear(2, 2, bias);
        using var still = no_grad();
        layer.weight!.copy_(tensor(new float[] { 1, 2, 3, 4 }).view(2, 2));
        layer.bias?.copy_(tensor(new float[] { 10, 20 }));
        return layer;
    }

    private static float[] Values(Bare model, params float[] x)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        return model.Out(tensor(x).view(1, -1)).Values<float>();
    }

    /// <summary>W x = (4, 10); A x = 2 - 1 = 1; B A x = (0.5, 0.25); times 2.</summary>
    [Fact]
    public void Lora_ByHand_UnmergedAndMerged()
    {
        using var model = PeftModels.Adapted(new OneLayer(Layer()), """{ "type": "LoRA", "roles": ["linear"], "rank": 1, "alpha": 2 }""");
        Assert.Equal([4, 10], Values(model, 2, 1)); // B is zero
        PeftModels.Set(model, ".A", 1, -1);
        PeftModels.Set(model, ".B", 0.5f, 0.25f);
        Assert.Equal([5, 10.5f], Values(model, 2, 1));
        model.Adaptation!.Merge();
        Assert.Equal([5, 10.5f], Values(model, 2, 1));
        // W + 2 B A = [[1 + 1, 2 - 1], [3 + 0.5, 4 - 0.5]]
        Assert.Equal([2, 1, 3.5f, 3.5f], model.parameters().First().Values<float>());
    }

    /// <summary>alpha / √rank = 6 / 2 for rank 4.</summary>
    [Fact]
    public void Lora_RankStabilized_ScalesByTheRoot()
    {
        using var model = PeftModels.Adapted(
            new OneLayer(Layer()),
            """{ "type": "LoRA", "roles": ["linear"], "rank": 4, "alpha": 6, "rank_stabilized": true }"""
        );
        PeftModels.Set(model, ".A", 1, 0, 0, 0, 0, 0, 0, 0);
        PeftModels.Set(model, ".B", 1, 0, 0, 0, 0, 0, 0, 0);
        Assert.Equal([4 + (3 * 2), 10], Values(model, 2, 1));
    }

    /// <summary>V = W + B A = [[3, 4], [3, 4]]: rows of length 5; m = (10, 5); W' = [[6, 8], [3, 4]].</summary>
    [Fact]
    public void Dora_ByHand_UnmergedAndMerged()
    {
        using var model = PeftModels.Adapted(
            new OneLayer(Layer(bias: true)),
            """{ "type": "DoRA", "roles": ["linear"], "rank": 1, "alpha": 1 }"""
        );
        Assert.Equal([14, 30], Values(model, 2, 1)); // m is the rows' length
        PeftModels.Set(model, ".A", 2, 2);
        PeftModels.Set(model, ".B", 1, 0);
        PeftModels.Set(model, ".magnitude", 10, 5);
        Close([20 + 10, 10 + 20], Values(model, 2, 1));
        model.Adaptation!.Merge();
        Close([30, 30], Values(model, 2, 1));
        Close([6, 8, 3, 4], model.parameters().First().Values<float>());
    }

    /// <summary>(14, 30) scaled by (2, 0.5), shifted by (1, -1).</summary>
    [Fact]
    public void Ssf_ByHand_UnmergedAndMerged()
    {
        using var model = PeftModels.Adapted(new OneLayer(Layer(bias: true)), """{ "type": "SSF" }""");
        var scale = model.named_parameters().Single(p => p.name.EndsWith(".scale", StringComparison.Ordinal)).parameter.Values<float>();
        Assert.All(scale, value => Assert.InRange(value, 0.85f, 1.15f)); // by a normal of deviation 0.02 around 1, not 1 itself
        Assert.Contains(scale, value => value != 1);
        PeftModels.Set(model, ".scale", 2, 0.5f);
        PeftModels.Set(model, ".shift", 1, -1);
        Assert.Equal([29, 14], Values(model, 2, 1));
        model.Adaptation!.Merge();
        Assert.Equal([29, 14], Values(model, 2, 1));
    }

    [Fact]
    public void Ia3_OutputsAndTheSecondLayersInput_AreScaled()
    {
        using var model = PeftModels.Adapted(new OneLayer(Layer(bias: true)), """{ "type": "IA3", "roles": ["linear"] }""");
        PeftModels.Set(model, ".scale", 2, 0.5f);
        Assert.Equal([28, 15], Values(model, 2, 1));
        model.Adaptation!.Merge();
        Assert.Equal([28, 15], Values(model, 2, 1));

        using var mlp = PeftModels.Adapted(new OneLayer(new Tessera.Models.Layers.Mlp(2, 3, 0)), """{ "type": "IA3", "roles": ["fc2"] }""");
        PeftModels.Set(mlp, ".scale", 0, 0, 0);
        var bias = mlp.named_parameters().Single(p => p.name.EndsWith("fc2.bias", StringComparison.Ordinal)).parameter.Values<float>();
        Assert.Equal(bias, Values(mlp, 2, 1)); // nothing comes in
    }

    /// <summary>A convolution with the product added to its weight gives the same as the two small ones beside it.</summary>
    [Theory]
    [InlineData("LoRA", 1, 1, 2)]
    [InlineData("LoRA", 2, 2, 1)]
    [InlineData("LoRA", 4, 1, 1)] // depthwise
    [InlineData("DoRA", 1, 1, 2)]
    [InlineData("DoRA", 2, 1, 1)]
    [InlineData("SSF", 2, 2, 1)]
    [InlineData("IA3", 2, 2, 1)]
    public void Convolution_MergedAndUnmerged_AreTheSame(string type, int groups, int dilation, int stride)
    {
        var conv = nn.Conv2d(4, 8, 3, stride: stride, padding: 1, dilation: dilation, groups: groups).to(ScalarType.Float64);
        using var model = PeftModels.Adapted(new OneLayer(conv), $$"""{ "type": "{{type}}", "roles": ["conv"] }""");
        model.to(ScalarType.Float64);
        PeftModels.Shake(model);
        using var scope = NewDisposeScope();
        var x = Formula.Values("images", 2, 4, 9, 7).to(ScalarType.Float64);
        var unmerged = model.Out(x);
        var plain = nn.functional.conv2d(x, conv.weight, conv.bias, [stride, stride], [1, 1], [dilation, dilation], groups);
        Assert.True((unmerged - plain).abs().max().item<double>() > 1e-3, "nothing was changed");
        model.Adaptation!.Merge();
        var merged = nn.functional.conv2d(x, conv.weight, conv.bias, [stride, stride], [1, 1], [dilation, dilation], groups);
        Assert.True((unmerged - merged).abs().max().item<double>() < 1e-12);
        Assert.True((unmerged - model.Out(x)).abs().max().item<double>() < 1e-12);
    }

    /// <summary>Of a fused layer the rows of its role are changed, and no others.</summary>
    [Theory]
    [InlineData("query", 0)]
    [InlineData("key", 1)]
    [InlineData("value", 2)]
    public void FusedQkv_OneRole_ChangesItsRowsAlone(string role, int part)
    {
        foreach (var type in new[] { "LoRA", "DoRA", "IA3", "SSF" })
        {
            using var model = PeftModels.Classifier(
                """{ "type": "VisionTransformer", "embed_dim": 8, "depth": 1, "num_heads": 2, "image_size": 16, "patch_size": 8 }""",
                $$"""{ "m": { "type": "{{type}}", "roles": ["{{role}}"] } }"""
            );
            PeftModels.Shake(model);
            var weight = model.named_parameters().Single(p => p.name.EndsWith("qkv.weight", StringComparison.Ordinal)).parameter;
            using var scope = NewDisposeScope();
            var before = weight.detach().clone();
            model.Adaptation!.Merge();
            var moved = (weight - before).abs().sum([1]).ne(0).Values<bool>();
            Assert.Equal(Enumerable.Range(0, 24).Select(row => row / 8 == part), moved);
        }
    }

    [Fact]
    public void Unmerge_GivesTheBaseBack_BitForBit()
    {
        using var model = PeftModels.Classifier(
            """{ "type": "VisionTransformer", "embed_dim": 8, "depth": 2, "num_heads": 2, "image_size": 16, "patch_size": 8 }""",
            """{ "a": { "type": "DoRA" }, "b": { "type": "SSF" }, "c": { "type": "IA3" }, "d": { "type": "LoRA", "roles": ["all"] } }"""
        );
        PeftModels.Shake(model);
        var before = model.Adaptation!.IdentityOf(model.Adaptation.Base);
        for (var i = 0; i < 5; i++)
        {
            model.Adaptation.Merge();
            Assert.NotEqual(before, model.Adaptation.IdentityOf(model.Adaptation.Base));
            model.Adaptation.Unmerge();
            Assert.Equal(before, model.Adaptation.IdentityOf(model.Adaptation.Base));
        }
    }

    [Theory]
    [InlineData("""{ "type": "Adapter" }""", "ReLU")]
    [InlineData("""{ "type": "AdaptFormer" }""", "ReLU")]
    [InlineData("""{ "type": "VPT" }""", "input")]
    public void Merge_WhatWeightsCannotDo_IsAMistake(string method, string why)
    {
        using var model = PeftModels.Classifier(
            """{ "type": "VisionTransformer", "embed_dim": 8, "depth": 1, "num_heads": 2, "image_size": 16, "patch_size": 8 }""",
            $$"""{ "mine": {{method}} }"""
        );
        var error = Assert.Throws<UserErrorException>(() => model.Adaptation!.Merge());
        Assert.Contains("peft.mine", error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dora_BehindAnother_IsAMistake() =>
        Assert.Contains(
            "Put DoRA first",
            Assert
                .Throws<UserErrorException>(() =>
                    PeftModels.Classifier(
                        """{ "type": "VisionTransformer", "embed_dim": 8, "depth": 1, "num_heads": 2, "image_size": 16, "patch_size": 8 }""",
                        """{ "a": { "type": "LoRA" }, "b": { "type": "DoRA" } }"""
                    )
                )
                .Message,
            StringComparison.Ordinal
        );

    private static void Close(float[] expected, float[] found)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i], 1e-5f);
    }
}
