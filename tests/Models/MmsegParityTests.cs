using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels.Segmentation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>Whole checkpoints in MMSegmentation's and the SegFormer authors' names, loaded as a user would, against what their code gives:
/// logits, and gradients of every parameter; see make_mmseg.py.</summary>
public sealed class MmsegParityTests
{
    private const string Resnet =
        """ "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stem": "deep", "out_indices": [0, 1, 2, 3] } """;

    private const string Mit = """ "type": "MixVisionTransformer", "embed_dims": [8, 16, 40, 64] """;

    private const string Odd =
        """ "num_stages": 4, "strides": [1, 2, 1, 1], "downsamples": [true, false, true], "enc_num_convs": [1, 2, 3, 2], "dec_num_convs": [3, 1, 2], "enc_dilations": [1, 2, 1, 3], "dec_dilations": [2, 1, 1] """;

    private static string Fcn(int index, int channels) =>
        $$"""{ "type": "FcnHead", "in_index": {{index}}, "channels": {{channels}}, "num_convs": 1, "concat_input": false }""";

    private static readonly Dictionary<string, string> _models = new()
    {
        ["mmseg_upernet"] = $$"""{{Resnet}}, "decode_head": { "type": "UPerHead", "channels": 6 }, "auxiliary_head": {{Fcn(2, 4)}}""",
        ["mmseg_upernet_aligned"] =
            $$"""{{Resnet}}, "decode_head": { "type": "UPerHead", "channels": 6, "in_index": [0, 2, 3], "pool_scales": [1, 4], "align_corners": true }""",
        ["mmseg_fpn"] =
            $$"""{{Resnet}}, "neck": { "type": "Fpn", "out_channels": 8 }, "decode_head": { "type": "FpnHead", "channels": 6, "feature_strides": [4, 8, 16, 32] }""",
        ["mmseg_fpn_aligned"] =
            $$"""{{Resnet}}, "neck": { "type": "Fpn", "out_channels": 8 }, "decode_head": { "type": "FpnHead", "channels": 6, "in_index": [1, 2, 3], "align_corners": true }""",
        ["mmseg_segformer"] =
            $$""" "backbone": { {{Mit}}, "depths": [1, 1, 2, 1] }, "decode_head": { "type": "SegformerHead", "channels": 12 } """,
        ["nvlabs_segformer"] =
            $$""" "backbone": { {{Mit}}, "depths": [1, 1, 2, 1] }, "decode_head": { "type": "SegformerHead", "channels": 12, "plain": true } """,
        ["mmseg_unet"] =
            $$""" "backbone": { "type": "UNet", "base_channels": 4 }, "decode_head": {{Fcn(4, 6)}}, "auxiliary_head": {{Fcn(3, 6)}} """,
        ["mmseg_unet_deconv"] =
            $$""" "backbone": { "type": "UNet", "base_channels": 4, "upsample": "deconv", {{Odd}} }, "decode_head": { "type": "PspHead", "in_index": 3, "channels": 6 } """,
        ["mmseg_unet_aspp"] =
            """ "backbone": { "type": "UNet", "base_channels": 4, "num_stages": 3, "strides": [2, 1, 1] }, "decode_head": { "type": "AsppHead", "in_index": 2, "channels": 6, "dilations": [1, 2] } """,
    };

    [Theory]
    [InlineData("mmseg_upernet", 65, 97)]
    [InlineData("mmseg_upernet_aligned", 65, 97)]
    [InlineData("mmseg_fpn", 65, 97)]
    [InlineData("mmseg_fpn_aligned", 65, 97)]
    [InlineData("mmseg_segformer", 75, 53)]
    [InlineData("nvlabs_segformer", 75, 53)]
    [InlineData("mmseg_unet", 48, 80)]
    [InlineData("mmseg_unet_deconv", 24, 36)]
    [InlineData("mmseg_unet_aspp", 24, 40)]
    public void Segmentor_WholeCheckpoint_GivesItsLogitsAndGradients(string fixture, int height, int width)
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        using var model = New(_models[fixture]);
        Load(fixture, model);
        using var scope = NewDisposeScope();
        using var maps = model.Tap(model.named_modules().Any(module => module.name == "neck") ? "neck" : "backbone");
        var outputs = new Dictionary<string, Tensor> { ["logits"] = model.Logits(Formula.Values("images", 2, 3, height, width)) };
        if (expected.GetProperty("outputs").TryGetProperty("auxiliary", out _))
            outputs["auxiliary"] = model.Head("auxiliary_head").call([.. maps.Values]);
        foreach (var (name, output) in outputs)
            ParityTests.AssertClose(expected.GetProperty("outputs").GetProperty(name), output.detach(), $"{fixture} {name}");

        outputs.Values.Select(output => (output * Formula.Values("images", output.shape)).sum()).Aggregate((a, b) => a + b).backward();
        AssertGradients(model, expected, model.KeyMaps[fixture.Split('_')[0] == "mmseg" ? "mmlab" : "nvlabs"]);
    }

    /// <summary>Of every one of the reference's parameters, in its shape: the norm, and the product with a tensor by formula.</summary>
    private static void AssertGradients(VisionModel model, JsonElement expected, KeyMap map)
    {
        var parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        var seen = new HashSet<string>();
        foreach (var entry in expected.GetProperty("gradients").EnumerateObject())
        {
            using var scope = NewDisposeScope();
            string[] own = [map.Rename(entry.Name)!, .. map.RenameSecond?.Invoke(entry.Name) is { } second ? new[] { second } : []];
            seen.UnionWith(own);
            var shape = expected.GetProperty("tensors").GetProperty(entry.Name).EnumerateArray().Select(side => side.GetInt64()).ToArray();
            var gradient = cat([.. own.Select(name => parameters[name].grad!)], 0).reshape(shape).to(ScalarType.Float64);
            var weights = Formula.Values("gradient " + entry.Name, shape).to(ScalarType.Float64);
            var (norm, product) = (entry.Value[0].GetDouble(), entry.Value[1].GetDouble());
            Assert.True(Math.Abs(gradient.norm().item<double>() - norm) <= 1e-3 * norm, $"{entry.Name}: norm");
            var spread = norm * weights.norm().item<double>() / Math.Sqrt(gradient.numel());
            Assert.True(Math.Abs((gradient * weights).sum().item<double>() - product) <= 1e-3 * spread, $"{entry.Name}: direction");
        }
        Assert.Equal(parameters.Where(pair => pair.Value.grad is not null).Select(pair => pair.Key).Order(), seen.Order());
    }

    [Theory]
    [InlineData(
        """ "backbone": { "type": "MixVisionTransformer", "arch": "b0" }, "decode_head": { "type": "SegformerHead", "channels": 12 } """,
        "mmseg_segformer"
    )]
    [InlineData(
        """ "backbone": { "type": "UNet", "base_channels": 8 }, "decode_head": { "type": "FcnHead", "channels": 6, "num_convs": 1, "concat_input": false } """,
        "mmseg_unet"
    )]
    public void Checkpoint_OfAnotherSize_TellsBothShapes(string parts, string fixture)
    {
        using var model = New(parts);
        var message = Assert.Throws<UserErrorException>(() => Load(fixture, model)).Message;
        Assert.Contains("The weights and the model don't match", message, StringComparison.Ordinal);
        Assert.Contains("backbone.", message, StringComparison.Ordinal);
    }

    /// <summary>The two SegFormer heads differ in layers; the message shows the names of either.</summary>
    [Theory]
    [InlineData("mmseg_segformer", "nvlabs_segformer")]
    [InlineData("nvlabs_segformer", "mmseg_segformer")]
    public void Checkpoint_OfTheOtherSegformerHead_IsNotTakenInPart(string model, string fixture)
    {
        using var built = New(_models[model]);
        var message = Assert.Throws<UserErrorException>(() => Load(fixture, built)).Message;
        Assert.Contains("decode_head.", message, StringComparison.Ordinal);
        Assert.Contains("missing", message, StringComparison.Ordinal);
    }

    private static DataInfo Data => Build.Classes(5, DataTask.Segmentation);

    private static Segmentor New(string parts) => (Segmentor)Build.From<VisionModel>($$"""{ "type": "Segmentor", {{parts}} }""", Data);

    private static void Load(string fixture, VisionModel model)
    {
        MmlabFile.Load(FixtureFile.Json("models", fixture + ".json"), model, Data);
        model.eval();
    }
}
