using System.Text.Json;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>
/// Whole checkpoints in torchvision's, timm's and MMPretrain's names, loaded as a user would, against what those projects give: every stage,
/// logits, and one training step's logits, gradients and norms. The images have sides that no stride divides. See make_convnets.py and
/// make_mmpretrain.py.
/// </summary>
public sealed class ConvNetParityTests
{
    private const string SmallRes2Net = """ "type": "Res2Net", "base_channels": 16, "stem_channels": 64, """;

    [Theory]
    [InlineData("tv_convnext_tiny", """{ "type": "ConvNeXt" }""", "torchvision")]
    [InlineData("tv_efficientnet_b0", """{ "type": "EfficientNet" }""", "torchvision")]
    [InlineData("tv_efficientnet_v2_s", """{ "type": "EfficientNetV2" }""", "torchvision")]
    [InlineData("tv_mobilenet_v2", """{ "type": "MobileNetV2" }""", "torchvision")]
    [InlineData("tv_mobilenet_v3_small", """{ "type": "MobileNetV3" }""", "torchvision")]
    [InlineData("tv_mobilenet_v3_large", """{ "type": "MobileNetV3", "arch": "large" }""", "torchvision")]
    [InlineData(
        "tv_mobilenet_v3_small_dilated",
        """{ "type": "MobileNetV3", "output_stride": 16, "contract_dilation": false }""",
        "torchvision"
    )]
    [InlineData("tv_regnet_x_400mf", """{ "type": "RegNet", "arch": "x004", "group_min_ratio": 0.9 }""", "torchvision")]
    [InlineData("tv_regnet_y_400mf", """{ "type": "RegNet", "arch": "y004" }""", "torchvision")]
    [InlineData("tv_densenet121", """{ "type": "DenseNet" }""", "torchvision")]
    [InlineData("timm_convnextv2_atto", """{ "type": "ConvNeXt", "arch": "atto", "use_grn": true, "layer_scale_init_value": 0 }""", "timm")]
    [InlineData("timm_convnext_atto", """{ "type": "ConvNeXt", "arch": "atto" }""", "timm")]
    [InlineData("timm_efficientnet_b0_stride16", """{ "type": "EfficientNet", "output_stride": 16 }""", "timm")]
    [InlineData("timm_tf_efficientnet_b0", """{ "type": "EfficientNet", "same_padding": true, "norm_eps": 1e-3 }""", "timm")]
    [InlineData("timm_tf_efficientnetv2_s", """{ "type": "EfficientNetV2", "same_padding": true }""", "timm")]
    [InlineData("timm_mobilenetv2_050", """{ "type": "MobileNetV2", "widen_factor": 0.5 }""", "timm")]
    [InlineData("timm_mobilenetv3_small_100", """{ "type": "MobileNetV3", "norm_eps": 1e-5, "norm_momentum": 0.1 }""", "timm")]
    [InlineData("timm_regnetx_002", """{ "type": "RegNet", "arch": "x002" }""", "timm")]
    [InlineData("timm_regnety_008_tv", """{ "type": "RegNet", "arch": "y008", "group_min_ratio": 0.9 }""", "timm")]
    [InlineData("timm_regnety_002_stride8", """{ "type": "RegNet", "arch": "y002", "output_stride": 8 }""", "timm")]
    [InlineData("timm_res2net_stride16", "{" + SmallRes2Net + """ "stage_blocks": [1, 2, 2, 2], "output_stride": 16 }""", "timm")]
    [InlineData(
        "timm_res2net_d",
        """{ "type": "Res2Net", "base_channels": 16, "stage_blocks": [2, 1, 2, 1], "stem": "deep", "avg_down": true }""",
        "timm"
    )]
    [InlineData(
        "timm_res2next",
        """
            { "type": "Res2Net", "base_channels": 32, "stem_channels": 64, "stage_blocks": [1, 1, 2, 1], "groups": 8, "base_width": 4 }
            """,
        "timm"
    )]
    [InlineData("mmpretrain_convnext_atto", """{ "type": "ConvNeXt", "arch": "atto" }""", "mmlab")]
    [InlineData("mmpretrain_convnext_atto_conv", """{ "type": "ConvNeXt", "arch": "atto" }""", "mmlab")]
    [InlineData(
        "mmpretrain_convnextv2_atto",
        """{ "type": "ConvNeXt", "arch": "atto", "use_grn": true, "layer_scale_init_value": 0 }""",
        "mmlab"
    )]
    [InlineData("mmpretrain_efficientnet_b0", """{ "type": "EfficientNet", "same_padding": true, "norm_eps": 1e-3 }""", "mmlab")]
    [InlineData("mmpretrain_efficientnet_v2_s", """{ "type": "EfficientNetV2", "same_padding": true }""", "mmlab")]
    [InlineData("mmpretrain_mobilenet_v2", """{ "type": "MobileNetV2", "widen_factor": 0.5 }""", "mmlab")]
    [InlineData("mmpretrain_mobilenet_v3_small", """{ "type": "MobileNetV3" }""", "mmlab")]
    [InlineData("mmpretrain_regnetx_400mf", """{ "type": "RegNet", "arch": "x004" }""", "mmlab")]
    [InlineData("mmpretrain_densenet121", """{ "type": "DenseNet" }""", "mmlab")]
    [InlineData("mmpretrain_res2net50", """{ "type": "Res2Net", "base_channels": 16 }""", "mmlab")]
    public void Classifier_PublishedCheckpoint_GivesStagesLogitsAndGradients(string fixture, string backbone, string keys)
    {
        var data = Build.Classes(10);
        var json = FixtureFile.Json("models", fixture + ".json");
        using var model = (ImageClassifier)
            Build.From<VisionModel>(
                $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
                data
            );
        MmlabParityTests.Load(fixture, model, data); // strict: every tensor of the file and of the model
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", [2, 3, .. json.GetProperty("size").EnumerateArray().Select(side => side.GetInt64())]);
        AssertStages(fixture, json.GetProperty("outputs"), model, images);
        AssertStep(fixture, json.GetProperty("training"), model, images, keys);
    }

    private static void AssertStages(string fixture, JsonElement outputs, ImageClassifier model, Tensor images)
    {
        using var still = no_grad();
        var taps = outputs
            .EnumerateObject()
            .Where(entry => entry.Name != "logits")
            .Select(entry => (entry.Value, Tap: model.Tap("backbone." + entry.Name)))
            .ToArray();
        var logits = model.Logits(images);
        foreach (var (expected, tap) in taps)
        {
            ParityTests.AssertClose(expected, tap.Value, $"{fixture} {tap.Name}");
            tap.Dispose();
        }
        ParityTests.AssertClose(outputs.GetProperty("logits"), logits, $"{fixture} logits");

        // And as one convolution for each pair of convolution and norm.
        using var fusion = new Tessera.Models.Layers.ConvNormFusion();
        using var entered = fusion.Enter();
        ParityTests.AssertClose(outputs.GetProperty("logits"), model.Logits(images), $"{fixture} fused logits");
    }

    private static void AssertStep(string fixture, JsonElement expected, ImageClassifier model, Tensor images, string keys)
    {
        model.to(ScalarType.Float64); // norms over the few pixels of the last maps make much of rounding
        model.train();
        images = images.to(ScalarType.Float64).requires_grad_();
        var logits = model.Logits(images);
        ParityTests.AssertClose(expected.GetProperty("logits"), logits, $"{fixture} training logits");
        (logits * Formula.Values("targets", logits.shape)).sum().backward();
        var map = model.KeyMaps[keys];
        foreach (var entry in expected.GetProperty("gradients").EnumerateObject())
        {
            var gradient =
                entry.Name == "images"
                    ? images.grad!
                    : model.named_parameters().Single(p => p.name == map.Rename(entry.Name)).parameter.grad!;
            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64())];
            ParityTests.AssertClose(entry.Value, gradient.reshape(shape), $"{fixture} gradient of {entry.Name}");
        }
        var state = model.state_dict();
        foreach (var entry in expected.GetProperty("statistics").EnumerateObject())
            ParityTests.AssertClose(entry.Value, state[map.Rename(entry.Name)!], $"{fixture} {entry.Name}");
    }
}
