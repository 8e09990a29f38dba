using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using Tessera.Models.TaskModels.Segmentation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>
/// Whole checkpoints in OpenMMLab's names, loaded as a user would, against what MMPretrain's code gives, or, where a fixture
/// is called "transcribed", MMSegmentation's and MMDetection's written out anew; see make_mmlab.py.
/// </summary>
public sealed class MmlabParityTests
{
    private const string TinyHRNet =
        """ "type": "HRNet", "channels": 4, "layer1_channels": 4, "stage_modules": [1, 1, 1], "stage_blocks": [1, 1, 1, 1] """;

    private const string TinyPvt =
        """ "embed_dims": [8, 16], "depths": [2, 2], "num_heads": [1, 2], "sr_ratios": [4, 2], "mlp_ratios": [4, 4] """;

    [Theory]
    [InlineData("mmpretrain_hrnet", "{" + TinyHRNet + """, "classification": true }""", 64, 96)]
    [InlineData(
        "mmpretrain_resnet18_dilated",
        """{ "type": "ResNet", "depth": 18, "base_channels": 8, "strides": [1, 2, 1, 1], "dilations": [1, 1, 2, 4], "contract_dilation": false }""",
        64,
        96
    )]
    [InlineData("mmpretrain_resnet50_caffe", """{ "type": "ResNet", "depth": 50, "base_channels": 8, "style": "caffe" }""", 64, 96)]
    [InlineData(
        "mmpretrain_swin_padded",
        """{ "type": "SwinTransformer", "embed_dim": 12, "depths": [2, 2], "num_heads": [2, 3], "window_size": 4, "out_indices": [1] }""",
        68,
        96
    )]
    [InlineData(
        "mmpretrain_vit",
        """{ "type": "VisionTransformer", "embed_dim": 24, "depth": 2, "num_heads": 3, "image_size": 64 }""",
        64,
        64
    )]
    [InlineData(
        "mmpretrain_t2t",
        """{ "type": "T2TViT", "embed_dim": 32, "depth": 2, "num_heads": 2, "mlp_ratio": 2, "tokens": "transformer", "token_dim": 8, "image_size": 64 }""",
        64,
        64
    )]
    [InlineData(
        "transcribed_mmdet_pvt1",
        """{ "type": "PyramidVisionTransformer", "image_size": 64, "patch_sizes": [4, 2], """ + TinyPvt + "}",
        64,
        96
    )]
    [InlineData("transcribed_mmdet_pvt2", """{ "type": "PyramidVisionTransformerV2", """ + TinyPvt + "}", 64, 96)]
    public void Classifier_MmlabCheckpoint_GivesItsLogits(string fixture, string backbone, int height, int width)
    {
        var data = Build.Classes(5);
        using var model = (ImageClassifier)
            Build.From<VisionModel>(
                $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
                data
            );
        Load(fixture, model, data);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        ParityTests.AssertClose(Logits(fixture), model.Logits(Formula.Values("images", 2, 3, height, width)), fixture);
    }

    /// <summary>An odd size, at which each branch is enlarged twice: by its factor, then to the sum's size.</summary>
    [Fact]
    public void Segmentor_MmsegHRNet_GivesItsLogits()
    {
        var data = Build.Classes(5, DataTask.Segmentation);
        using var model = (Segmentor)
            Build.From<VisionModel>(
                $$"""
                { "type": "Segmentor", "backbone": { {{TinyHRNet}}, "upsample": "bilinear", "align_corners": false }, "decode_head": { "type": "ConcatHead" } }
                """,
                data
            );
        Load("transcribed_mmseg_hrnet", model, data);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        ParityTests.AssertClose(
            Logits("transcribed_mmseg_hrnet"),
            model.Logits(Formula.Values("images", 2, 3, 65, 97)),
            "transcribed_mmseg_hrnet"
        );
    }

    /// <summary>MMSegmentation numbers the layers of a deep stem, MMPretrain its blocks of three.</summary>
    [Theory]
    [InlineData("backbone.stem.0.weight", "conv1.0.weight")]
    [InlineData("backbone.stem.7.running_var", "bn1.running_var")]
    [InlineData("backbone.stem.1.conv.weight", "conv1.3.weight")]
    [InlineData("backbone.stem.2.bn.bias", "bn1.bias")]
    public void DeepStem_BothNamings_AreRead(string foreign, string own)
    {
        using var backbone = Build.From<Backbone>("""{ "type": "ResNet", "depth": 18, "base_channels": 4, "stem": "deep" }""");
        Assert.Equal(own, backbone.KeyMaps["mmlab"].Rename(foreign));
    }

    private const string DeepResNet = """ "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stem": "deep" } """;

    private const string Auxiliary =
        """ "auxiliary_head": { "type": "FcnHead", "in_index": 2, "channels": 4, "num_convs": 1, "concat_input": false } """;

    [Theory]
    [InlineData("transcribed_mmseg_fcn", """{ "type": "FcnHead", "channels": 6 }""", Auxiliary)]
    [InlineData("transcribed_mmseg_psp", """{ "type": "PspHead", "channels": 6 }""", Auxiliary)]
    [InlineData("transcribed_mmseg_aspp", """{ "type": "AsppHead", "channels": 6, "dilations": [1, 2, 3] }""", Auxiliary)]
    [InlineData(
        "transcribed_mmseg_sep_aspp",
        """{ "type": "SepAsppHead", "channels": 6, "dilations": [1, 2, 3], "c1_channels": 6 }""",
        null
    )]
    [InlineData(
        "transcribed_mmseg_ocr",
        """{ "type": "OcrHead", "channels": 6, "ocr_channels": 4 }""",
        """ "auxiliary_head": { "type": "FcnHead", "in_index": 3, "channels": 6, "num_convs": 1, "kernel_size": 1, "concat_input": false } """
    )]
    public void Segmentor_MmsegHead_GivesItsLogits(string fixture, string head, string? auxiliary)
    {
        var data = Build.Classes(5, DataTask.Segmentation);
        using var model = (Segmentor)
            Build.From<VisionModel>(
                $$"""{ "type": "Segmentor", {{DeepResNet}}, "decode_head": {{head}}{{(auxiliary is null ? "" : ", " + auxiliary)}} }""",
                data
            );
        Load(fixture, model, data);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var maps = model.Tap("backbone");
        ParityTests.AssertClose(Logits(fixture), model.Logits(Formula.Values("images", 2, 3, 64, 96)), fixture);
        if (FixtureFile.Json("models", fixture + ".json").GetProperty("outputs").TryGetProperty("auxiliary", out var expected))
            ParityTests.AssertClose(expected, model.Head("auxiliary_head").call([.. maps.Values]), fixture + " auxiliary");
    }

    [Theory]
    [InlineData("transcribed_mmdet_retinanet", """{ "type": "RetinaHead", "stacked_convs": 2 }""", "on_input", "false")]
    [InlineData("transcribed_mmdet_fcos", """{ "type": "FcosHead", "stacked_convs": 2 }""", "on_output", "true")]
    public void Detector_MmdetCheckpoint_GivesItsMaps(string fixture, string head, string extra, string relu)
    {
        var data = Build.Classes(3, DataTask.Detection);
        using var model = (Detector)
            Build.From<VisionModel>(
                $$"""
                { "type": "Detector", "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8 }, "bbox_head": {{head}},
                  "neck": { "type": "Fpn", "out_channels": 32, "start_level": 1, "num_outs": 5, "add_extra_convs": "{{extra}}", "relu_before_extra_convs": {{relu}} } }
                """,
                data
            );
        Load(fixture, model, data);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var outputs = FixtureFile.Json("models", fixture + ".json").GetProperty("outputs");
        var found = model.Outputs(Formula.Values("images", 1, 3, 128, 192));
        Assert.Equal(outputs.EnumerateObject().Count(), found.Length);
        for (var i = 0; i < found.Length; i++)
            ParityTests.AssertClose(outputs.GetProperty($"output{i}"), found[i], $"{fixture} {i}");
    }

    /// <summary>FCOS's towers have a norm, and there a bias only where the config says so: the file lacks it, and it is 0 here.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Detector_MmdetFcos_LoadsWithAndWithoutTowerBiases(bool biases)
    {
        const string head = """{ "type": "FcosHead", "stacked_convs": 1 }""";
        var data = Build.Classes(3, DataTask.Detection);
        var json = $$"""
            { "type": "Detector", "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "out_indices": [2, 3] },
              "neck": { "type": "Fpn", "out_channels": 32, "num_outs": 2 }, "bbox_head": {{head}} }
            """;
        using var from = Formula.Fill(Build.From<VisionModel>(json, data));
        using var into = Build.From<VisionModel>(json, data);
        var map = from.KeyMaps["mmlab"];
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        try
        {
            using var scope = NewDisposeScope();
            using var still = no_grad();
            foreach (var (_, tensor) in into.state_dict().Where(entry => entry.Key.EndsWith(".conv.bias", StringComparison.Ordinal)))
                tensor.fill_(5);
            var written = from.state_dict()
                .Where(entry => !entry.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                .Where(entry =>
                    biases
                    || !entry.Key.Contains("convs.0.conv.bias", StringComparison.Ordinal)
                    || !entry.Key.StartsWith("bbox_head", StringComparison.Ordinal)
                );
            ForeignFile.Write(path, written.Select(entry => (map.Publish!(entry.Key)!, entry.Value)));
            ForeignWeights.LoadWhole(into, path, data);
            foreach (
                var (name, tensor) in into.state_dict()
                    .Where(entry =>
                        entry.Key.Contains("convs.0.conv.bias", StringComparison.Ordinal)
                        && entry.Key.StartsWith("bbox_head", StringComparison.Ordinal)
                    )
            )
                Assert.True(biases ? tensor.equal(from.state_dict()[name]).all().item<bool>() : tensor.eq(0).all().item<bool>(), name);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static System.Text.Json.JsonElement Logits(string fixture) =>
        FixtureFile.Json("models", fixture + ".json").GetProperty("outputs").GetProperty("logits");

    /// <summary>Loads what a fixture says of a checkpoint: its tensors, by formula, and names that are passed over.</summary>
    internal static void Load(string fixture, VisionModel model, DataInfo data)
    {
        MmlabFile.Load(FixtureFile.Json("models", fixture + ".json"), model, data);
        model.eval();
    }
}
