using System.Text.Json;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>Stem, stages and logits against torchvision and timm (and, for the CIFAR ResNet, plain PyTorch); see make_models.py; others
/// against their authors' code, see make_published.py.</summary>
public sealed class ParityTests
{
    private const double Tolerance = 1e-4;

    [Theory]
    [InlineData("resnet18", """{ "type": "ResNet", "depth": 18 }""")]
    [InlineData("resnet50", """{ "type": "ResNet", "depth": 50 }""")]
    [InlineData("resnext50_32x4d", """{ "type": "ResNet", "depth": 50, "groups": 32, "base_width": 4 }""")]
    [InlineData("wide_resnet50_2", """{ "type": "ResNet", "depth": 50, "base_width": 128 }""")]
    [InlineData("resnet50_stride8", """{ "type": "ResNet", "depth": 50, "output_stride": 8 }""")]
    [InlineData("resnet50_stride16", """{ "type": "ResNet", "depth": 50, "output_stride": 16 }""")]
    public void ResNet_FormulaWeights_MatchesTorchvision(string fixture, string backbone) =>
        AssertMatches(fixture, backbone, "torchvision", [64, 96], name => "backbone." + name);

    [Fact]
    public void CifarResNet_FormulaWeights_MatchesPyTorch() =>
        AssertMatches("resnet20_cifar", """{ "type": "CifarResNet", "depth": 20 }""", "akamaster", [32, 32], name => "backbone." + name);

    [Fact]
    public void VisionTransformer_FormulaWeights_MatchesTorchvision() =>
        AssertMatches(
            "vit_b_16",
            """{ "type": "VisionTransformer", "arch": "base", "image_size": 64 }""",
            "torchvision",
            [64, 64],
            name =>
                "backbone."
                + name.Replace("block", "blocks.", StringComparison.Ordinal).Replace("stem", "patch_embed", StringComparison.Ordinal)
        );

    [Theory]
    [InlineData("timm_resnet50c", """{ "type": "ResNet", "depth": 50, "stem": "deep" }""")]
    [InlineData("timm_resnet50d", """{ "type": "ResNet", "depth": 50, "stem": "deep", "avg_down": true }""")]
    public void ResNet_FormulaWeights_MatchesTimm(string fixture, string backbone) =>
        AssertMatches(fixture, backbone, "timm", [64, 96], name => "backbone." + name);

    [Fact]
    public void ResNet_DilatedBasicBlocks_MatchTimm() =>
        AssertMatches(
            "timm_resnet18_dilated",
            """{ "type": "ResNet", "depth": 18, "base_channels": 8, "stem_channels": 64, "output_stride": 8, "basic_dilation": "uncontracted" }""",
            "timm",
            [64, 96],
            name => "backbone." + name
        );

    [Fact]
    public void Swin_PaddedWindows_MatchTimm() =>
        AssertMatches(
            "timm_swin_padded",
            """
            { "type": "SwinTransformer", "embed_dim": 12, "depths": [2, 2], "num_heads": [2, 3], "window_size": 4, "out_indices": [1], "window_padding": "attended_after_shift" }
            """,
            "timm",
            [72, 104],
            name => "backbone." + name,
            reshape: (name, output) => name == "norm" ? output.view(2, 9, 13, 24) : output
        );

    [Fact]
    public void PvtV2_FormulaWeights_MatchesTimm() =>
        AssertMatches(
            "timm_pvt_v2",
            """{ "type": "PyramidVisionTransformerV2", "embed_dims": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "num_heads": [1, 2, 3, 4], "sr_ratios": [4, 2, 2, 1] }""",
            "timm",
            [64, 96],
            name => "backbone." + name
        );

    [Theory]
    [InlineData("timm_vit_tiny", """{ "type": "VisionTransformer", "arch": "tiny", "image_size": 64 }""")]
    [InlineData(
        "timm_vit_tiny_avg",
        """{ "type": "VisionTransformer", "arch": "tiny", "image_size": 64, "features": "average", "class_token": false }"""
    )]
    public void VisionTransformer_FormulaWeights_MatchesTimm(string fixture, string backbone) =>
        AssertMatches(
            fixture,
            backbone,
            "timm",
            [64, 64],
            name => "backbone." + name.Replace("block", "blocks.", StringComparison.Ordinal)
        );

    [Theory]
    [InlineData("hrnet_w18_small", "w18_small")]
    [InlineData("hrnet_w18_small_v2", "w18_small_v2")]
    [InlineData("hrnet_w18", "w18")]
    [InlineData("timm_hrnet_w18_small", "w18_small")]
    public void HRNet_FormulaWeights_MatchesTheAuthorsAndTimm(string fixture, string arch) =>
        AssertMatches(
            fixture,
            $$"""{ "type": "HRNet", "arch": "{{arch}}", "classification": true }""",
            "timm",
            [64, 96],
            name => "backbone." + name
        );

    [Theory]
    [InlineData("t2t_vit_7", """{ "type": "T2TViT", "arch": 7, "image_size": 64 }""")]
    [InlineData("t2t_vit_t_14", """{ "type": "T2TViT", "arch": 14, "tokens": "transformer", "image_size": 64 }""")]
    public void T2TViT_FormulaWeights_MatchesTheAuthors(string fixture, string backbone) =>
        AssertMatches(
            fixture,
            backbone,
            "timm",
            [64, 64],
            name => "backbone." + name,
            model =>
            {
                foreach (var (_, weight) in model.state_dict().Where(entry => entry.Key.EndsWith("kqv.weight", StringComparison.Ordinal)))
                    weight.mul_(0.25);
            }
        );

    [Fact]
    public void Sinusoid_MatchesTheAuthors() =>
        AssertClose(FixtureFile.Json("models", "sinusoid.json"), Tessera.Models.Layers.PositionEmbedding.Sinusoid(17, 256), "sinusoid");

    /// <summary>Against the authors' own code; see make_pyramids.py.</summary>
    [Theory]
    [InlineData("pvt_tiny", """{ "type": "PyramidVisionTransformer", "arch": "tiny", "image_size": 64, "features": "cls_token" }""")]
    [InlineData("pvt_v2_b0", """{ "type": "PyramidVisionTransformerV2", "arch": "b0" }""")]
    [InlineData("pvt_v2_b0_li", """{ "type": "PyramidVisionTransformerV2", "arch": "b0", "linear": true }""")]
    public void Pvt_FormulaWeights_MatchesTheAuthors(string fixture, string backbone) =>
        AssertMatches(
            fixture,
            backbone,
            "whai362",
            [64, 96],
            name => "backbone." + (name.StartsWith("stage", StringComparison.Ordinal) ? $"block{name[^1]}.1" : name)
        );

    [Fact]
    public void Swin_FormulaWeights_MatchesTheAuthors() =>
        AssertMatches(
            "swin_two_stages",
            """{ "type": "SwinTransformer", "depths": [2, 2], "out_indices": [1] }""",
            "microsoft",
            [112, 224],
            name => "backbone." + (name == "norm" ? name : $"layers.{name[^2]}.blocks.{name[^1]}")
        );

    private static void AssertMatches(
        string fixture,
        string backbone,
        string keys,
        long[] size,
        Func<string, string> tapName,
        Action<VisionModel>? change = null,
        Func<string, Tensor, Tensor>? reshape = null
    )
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        using var model = Build.From<VisionModel>(
            $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
            Build.Classes(10)
        );
        Formula.Fill(model, model.KeyMaps[keys]);
        model.eval();

        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        change?.Invoke(model);
        // "stage:1" is the second of the maps that a stage gives.
        var taps = expected
            .EnumerateObject()
            .Where(entry => entry.Name != "logits")
            .Select(entry => entry.Name.Split(':')[0])
            .Distinct()
            .ToDictionary(name => name, name => model.Tap(tapName(name)));
        var logits = ((ImageClassifier)model).Logits(Formula.Values("images", [2, 3, .. size]));
        foreach (var (name, tap) in taps)
        {
            for (var i = 0; i < tap.Values.Count; i++)
                AssertClose(
                    expected.GetProperty(tap.Values.Count == 1 ? name : $"{name}:{i}"),
                    reshape?.Invoke(name, tap.Values[i]) ?? tap.Values[i],
                    $"{fixture} {name} {i}"
                );
            tap.Dispose();
        }
        AssertClose(expected.GetProperty("logits"), logits, $"{fixture} logits");
    }

    internal static void AssertClose(JsonElement expected, Tensor actual, string what, double tolerance = Tolerance)
    {
        Assert.Equal(expected.GetProperty("shape").EnumerateArray().Select(n => n.GetInt64()), actual.shape);
        var values = actual.to(ScalarType.Float64).flatten().data<double>().ToArray();
        var norm = Math.Sqrt(values.Sum(v => v * v));
        var wanted = expected.GetProperty("norm").GetDouble();
        Assert.True(Math.Abs(norm - wanted) <= tolerance * wanted, $"{what}: norm {norm}, expected {wanted}");

        var step = expected.GetProperty("step").GetInt32();
        var sample = expected.GetProperty("values").EnumerateArray().Select(n => n.GetDouble()).ToArray();
        var scale = Math.Sqrt(sample.Sum(v => v * v) / sample.Length);
        for (var i = 0; i < sample.Length; i++)
            Assert.True(
                Math.Abs(values[i * step] - sample[i]) <= tolerance * scale,
                $"{what}[{i * step}]: {values[i * step]}, expected {sample[i]} (scale {scale})"
            );
    }
}
