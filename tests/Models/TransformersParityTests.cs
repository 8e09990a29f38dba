using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.TaskModels;
using Tessera.Models.TaskModels.Segmentation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>
/// Checkpoints in the names of HuggingFace's transformers, loaded as a user would, against what its networks give; see
/// make_transformers.py. Of each file every tensor is used, and of each model every tensor filled.
/// </summary>
public sealed class TransformersParityTests
{
    private const string Tokens = """ "embed_dim": 24, "depth": 2, "num_heads": 3 """;
    private const string Dinov2 = $""" "type": "VisionTransformer", {Tokens}, "image_size": 56, "patch_size": 14, "layer_scale": 1 """;
    private const string ConvNeXt = """ "type": "ConvNeXt", "channels": [8, 16, 24, 32], "depths": [1, 1, 2, 1] """;
    private const string Mit = """ "type": "MixVisionTransformer", "embed_dims": [8, 16, 40, 64], "depths": [1, 1, 2, 1] """;

    [Theory]
    [InlineData("vit", $$"""{ "type": "VisionTransformer", {{Tokens}}, "image_size": 64, "norm_eps": 1e-12 }""")]
    [InlineData("deit", $$"""{ "type": "VisionTransformer", {{Tokens}}, "image_size": 64, "norm_eps": 1e-12, "reg_tokens": 1 }""")]
    [InlineData("convnext", $$"""{ {{ConvNeXt}} }""")]
    [InlineData("convnextv2", $$"""{ {{ConvNeXt}}, "use_grn": true, "layer_scale_init_value": 0 }""")]
    [InlineData("resnet50", """{ "type": "ResNet", "depth": 50, "base_channels": 8 }""")]
    [InlineData("resnet18", """{ "type": "ResNet", "depth": 18, "base_channels": 8 }""")]
    [InlineData(
        "swin",
        """{ "type": "SwinTransformer", "embed_dim": 12, "depths": [2, 2], "num_heads": [2, 3], "window_size": 4, "out_indices": [1] }"""
    )]
    [InlineData("mit", $$"""{ {{Mit}} }""")]
    public void Classifier_Checkpoint_GivesItsLogits(string name, string backbone)
    {
        var data = Build.Classes(10);
        using var model = (ImageClassifier)
            Build.From<VisionModel>(
                $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
                data
            );
        var fixture = Load(name, path => ForeignWeights.LoadWhole(model, path, data));
        model.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        AssertClose(fixture, "logits", model.Logits(Images(fixture)));
    }

    [Theory]
    [InlineData("convnext", $$"""{ {{ConvNeXt}} }""")]
    [InlineData("convnextv2", $$"""{ {{ConvNeXt}}, "use_grn": true, "layer_scale_init_value": 0 }""")]
    [InlineData("resnet50", """{ "type": "ResNet", "depth": 50, "base_channels": 8 }""")]
    public void Publish_Renaming_GivesTheFilesNames(string name, string backbone)
    {
        using var model = Build.From<VisionModel>(
            $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
            Build.Classes(10)
        );
        var publish = model.KeyMaps["transformers"].Publish!;
        var names = FixtureFile
            .Json("models", $"transformers_{name}.json")
            .GetProperty("tensors")
            .EnumerateObject()
            .Select(entry => entry.Name);
        var own = model.state_dict().Keys.Where(key => !key.EndsWith("num_batches_tracked", StringComparison.Ordinal));
        Assert.Equal(names.Order(), own.Select(publish).Order());
    }

    [Theory]
    [InlineData("dinov2", "")]
    [InlineData("dinov2_giant", """, "mlp_type": "swiglu_packed", "mlp_ratio": 2.6666667 """)]
    [InlineData("dinov2_registers", """, "reg_tokens": 4, "position_tokens": "class" """)]
    public void Backbone_Dinov2_GivesItsTokens(string name, string more)
    {
        using var backbone = Build.From<Backbone>($$"""{ {{Dinov2}}{{more}}, "features": "maps", "give_class_token": true }""");
        var fixture = Load(name, path => Initialize(backbone, path));
        backbone.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var outputs = backbone.call(Images(fixture));
        AssertClose(fixture, "patches", outputs[0]);
        AssertClose(fixture, "class", outputs[1]);
    }

    [Fact]
    public void Segmentor_Segformer_GivesItsLogits()
    {
        var data = Build.Classes(5, DataTask.Segmentation);
        using var model = (Segmentor)
            Build.From<VisionModel>(
                $$"""
                { "type": "Segmentor", "backbone": { {{Mit}} }, "decode_head": { "type": "SegformerHead", "channels": 12, "plain": true } }
                """,
                data
            );
        var fixture = Load("segformer", path => ForeignWeights.LoadWhole(model, path, data));
        model.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        AssertClose(fixture, "logits", model.Logits(Images(fixture)));
    }

    /// <summary>Two images of which the smaller is padded; the backbone in timm's names, and in transformers' own.</summary>
    [Theory]
    [InlineData("detr")]
    [InlineData("detr_own_resnet")]
    public void Detr_Checkpoint_GivesItsOutputs(string name)
    {
        var data = Build.Classes(5, DataTask.Detection);
        using var model = (Detr)
            Build.From<VisionModel>(
                """
                { "type": "Detr", "backbone": { "type": "ResNet", "depth": 18, "out_indices": [3] }, "num_queries": 7,
                  "encoder_layers": 2, "decoder_layers": 2, "embed_dim": 32, "num_heads": 4, "ffn_dim": 48 }
                """,
                data
            );
        var fixture = Load(name, path => ForeignWeights.LoadWhole(model, path, data));
        model.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var images = Images(fixture);
        images[1].narrow(1, 64, 32).zero_();
        images[1].narrow(2, 80, 48).zero_();
        (int Height, int Width)[] sizes = [(96, 128), (64, 80)];
        ImageArea[] areas =
        [
            .. sizes.Select(size =>
                ImageArea.Of(
                    new Sample
                    {
                        Index = 0,
                        Name = "",
                        Geometry = Geometry.Original(size.Height, size.Width),
                    },
                    sizes[0]
                )
            ),
        ];
        var (logits, boxes) = model.Answers(images, areas, all: false);
        AssertClose(fixture, "logits", logits[0]);
        AssertClose(fixture, "boxes", boxes[0]);
    }

    /// <summary>A file has the decoder's heads beside it, in it, or in both places.</summary>
    [Theory]
    [InlineData("rtdetr_r18", 18, "[2, 2, 2, 2]", true, false)]
    [InlineData("rtdetr_r18", 18, "[2, 2, 2, 2]", false, true)]
    [InlineData("rtdetr_r50", 50, "[1, 2, 1, 1]", true, true)]
    public void RtDetr_Checkpoint_GivesItsOutputs(string name, int depth, string blocks, bool beside, bool within)
    {
        var data = Build.Classes(5, DataTask.Detection);
        var first = depth == 18 ? """ "project_first": true, """ : "";
        using var model = (RtDetr)
            Build.From<VisionModel>(
                $$"""
                { "type": "RtDetr",
                  "backbone": { "type": "ResNet", "depth": {{depth}}, "base_channels": 16, "stage_blocks": {{blocks}}, "stem": "deep",
                    "avg_down": true, {{first}} "out_indices": [1, 2, 3] },
                  "neck": { "type": "HybridEncoder", "out_channels": 32, "num_heads": 4, "ffn_dim": 48, "num_blocks": 3, "expansion": 0.5 },
                  "num_queries": 12, "decoder_layers": 2, "embed_dim": 32, "num_heads": 4, "ffn_dim": 48, "num_denoising": 10 }
                """,
                data
            );
        var fixture = Load(name, path => ForeignWeights.LoadWhole(model, path, data), Places);
        model.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var outputs = model.Outputs(Images(fixture));
        AssertClose(fixture, "logits", outputs[0]);
        AssertClose(fixture, "boxes", outputs[1]);

        IEnumerable<string> Places(string tensor) =>
            tensor.StartsWith("class_embed.", StringComparison.Ordinal) || tensor.StartsWith("bbox_embed.", StringComparison.Ordinal)
                ? new[] { (Is: beside, tensor), (Is: within, "model.decoder." + tensor) }
                    .Where(place => place.Is)
                    .Select(place => place.Item2)
                : [tensor];
    }

    private static LoadReport? Initialize(Backbone backbone, string path)
    {
        new PretrainedInitializer(new PretrainedOptions(path, Strict: true)).Initialize(backbone, new InitContext());
        return null;
    }

    /// <param name="places">The names that a tensor lies under in the file; its own by default.</param>
    private static JsonElement Load(string name, Func<string, LoadReport?> load, Func<string, IEnumerable<string>>? places = null)
    {
        var fixture = FixtureFile.Json("models", $"transformers_{name}.json");
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        try
        {
            using var scope = NewDisposeScope();
            var factors = fixture.TryGetProperty("factors", out var given) ? given : default;
            var tensors = fixture
                .GetProperty("tensors")
                .EnumerateObject()
                .Select(entry => (entry.Name, Values: Formula.Values(entry.Name, Shape(entry.Value)) * Factor(factors, entry.Name)))
                .SelectMany(entry => (places?.Invoke(entry.Name) ?? [entry.Name]).Select(place => (place, entry.Values)))
                .ToList();
            string[] computed =
            [
                .. fixture
                    .GetProperty("others")
                    .EnumerateArray()
                    .Select(other => other.GetString()!)
                    .Where(other => !other.EndsWith("num_batches_tracked", StringComparison.Ordinal)),
            ];
            ForeignFile.Write(path, tensors.Concat(computed.Select(other => (other, zeros(1)))));
            if (load(path) is { } report)
            {
                Assert.True(report.IsComplete);
                var taken = report.Loaded.Count + report.Joined.Sum(entry => entry.Parts.Count - 1);
                Assert.Equal(tensors.Count + computed.Length, taken + report.PassedOver.Count);
                if (places is null)
                    Assert.Equal(computed.Order(), report.PassedOver.Order());
            }
            return fixture;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static Tensor Images(JsonElement fixture) => Formula.Values("images", [2, 3, .. Shape(fixture.GetProperty("size"))]);

    private static long[] Shape(JsonElement sides) => [.. sides.EnumerateArray().Select(side => side.GetInt64())];

    private static double Factor(JsonElement factors, string name) =>
        factors.ValueKind == JsonValueKind.Object && factors.TryGetProperty(name, out var factor) ? factor.GetDouble() : 1;

    private static void AssertClose(JsonElement fixture, string output, Tensor actual) =>
        ParityTests.AssertClose(fixture.GetProperty("outputs").GetProperty(output), actual, output);
}
