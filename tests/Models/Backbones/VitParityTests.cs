using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Backbones;

/// <summary>The families of Vision Transformers against timm and their authors' code; see make_vit.py.</summary>
public sealed class VitParityTests : IDisposable
{
    private const double Tolerance = 1e-4;

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-vit-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string, string, string, long, long> Timm() =>
        new()
        {
            { "dinov2", VitFamilies.Dinov2, """ "image_size": 56 """, 56, 56 },
            { "dinov2_reg4", VitFamilies.Dinov2Registers, """ "image_size": 56 """, 56, 56 },
            { "dinov2_giant", VitFamilies.Dinov2Giant, """ "image_size": 56 """, 56, 56 },
            { "dinov2_resized", VitFamilies.Dinov2Registers, """ "image_size": 56 """, 84, 42 },
            { "reg_all", """ "patch_size": 14, "reg_tokens": 3 """, """ "image_size": 56 """, 56, 56 },
            { "dinov3", VitFamilies.Dinov3, """ "image_size": 64, "features": "average", "fc_norm": false """, 48, 80 },
            {
                "dinov3_qkvb",
                VitFamilies.Dinov3.Replace("\"qkv_bias\": false", "\"qkv_layout\": \"no_key_bias\"", StringComparison.Ordinal),
                """ "image_size": 64 """,
                64,
                64
            },
            { "deit3", VitFamilies.Deit3, """ "image_size": 64 """, 64, 64 },
            { "eva02", VitFamilies.Eva02, """ "image_size": 56 """, 56, 56 },
            { "eva02_base", VitFamilies.Eva02Base, """ "image_size": 56 """, 56, 56 },
            { "siglip", VitFamilies.Siglip, """ "image_size": 64 """, 64, 64 },
            { "clip", VitFamilies.Clip, """ "image_size": 64 """, 64, 64 },
            { "clip_quickgelu", VitFamilies.OpenAiClip, """ "image_size": 64 """, 64, 64 },
        };

    [Theory]
    [MemberData(nameof(Timm))]
    public void Family_FormulaWeights_MatchesTimm(string fixture, string family, string more, long height, long width)
    {
        var expected = FixtureFile.Json("models", $"timm_vit_{fixture}.json");
        using var model = Classifier(VitFamilies.Small(family, more));
        var map = model.KeyMaps["timm"];
        Formula.Fill(model, map);
        model.eval();
        using var scope = NewDisposeScope();
        using var first = model.Tap("backbone.blocks.0");
        using var second = model.Tap("backbone.blocks.1");
        var logits = model.Logits(Formula.Values("images", 2, 3, height, width));
        Close(expected.GetProperty("block0"), first.Values[0], fixture + " block 0");
        Close(expected.GetProperty("block1"), second.Values[0], fixture + " block 1");
        Close(expected.GetProperty("logits"), logits, fixture + " logits");

        logits.square().sum().backward();
        var parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var gradient in expected.GetProperty("gradients").EnumerateObject())
            Close(gradient.Value, parameters[map.Rename(gradient.Name)!].grad!, $"{fixture} {gradient.Name}", 1e-3);
    }

    [Theory]
    [InlineData("dinov2_authors", "")]
    [InlineData("dinov2_authors_reg4", """, "reg_tokens": 4, "position_tokens": "class" """)]
    [InlineData("dinov2_authors_giant", """, "mlp_type": "swiglu_packed", "mlp_ratio": 2.75 """)] // 4 · 2/3 · 32 = 85, then a multiple of 8
    public void Dinov2_TheAuthorsFile_IsReadAndMatches(string fixture, string more) =>
        ReadAndCompare(fixture, VitFamilies.Small(VitFamilies.Dinov2 + more, """ "image_size": 56 """), "dinov2", 56, 56);

    [Fact]
    public void Dinov3_TheAuthorsFile_IsReadAndMatches() =>
        ReadAndCompare(
            "dinov3_authors",
            VitFamilies.Small(
                VitFamilies.Dinov3.Replace("\"qkv_bias\": false", "\"qkv_layout\": \"no_key_bias\"", StringComparison.Ordinal),
                """ "image_size": 64 """
            ),
            "dinov3",
            48,
            80
        );

    /// <summary>The image's half of OpenAI's file, in its names: what timm's network of the same numbers gives.</summary>
    [Fact]
    public void OpenAi_TheTowersNames_AreReadAsTimms()
    {
        var config = VitFamilies.Small(VitFamilies.OpenAiClip, """ "image_size": 64 """);
        using var expected = Formula.Fill(Build.From<Backbone>(config));
        using var actual = Build.From<Backbone>(config);
        string Foreign(string own) =>
            "visual."
            + own.Replace("cls_token", "class_embedding", StringComparison.Ordinal)
                .Replace("pos_embed", "positional_embedding", StringComparison.Ordinal)
                .Replace("patch_embed.proj", "conv1", StringComparison.Ordinal)
                .Replace("norm_pre", "ln_pre", StringComparison.Ordinal)
                .Replace("blocks.", "transformer.resblocks.", StringComparison.Ordinal)
                .Replace("norm1", "ln_1", StringComparison.Ordinal)
                .Replace("norm2", "ln_2", StringComparison.Ordinal)
                .Replace("attn.qkv.", "attn.in_proj_", StringComparison.Ordinal)
                .Replace("attn.proj", "attn.out_proj", StringComparison.Ordinal)
                .Replace("fc1", "c_fc", StringComparison.Ordinal)
                .Replace("fc2", "c_proj", StringComparison.Ordinal);
        var tensors = expected.state_dict().Select(entry => (Name(entry.Key), Shaped(entry.Key, entry.Value))).ToList();
        tensors.Add(("visual.proj", zeros(32, 16)));
        tensors.Add(("transformer.resblocks.0.ln_1.weight", zeros(32))); // of the text
        tensors.Add(("logit_scale", zeros([])));
        var path = Path.Combine(_folder, "clip.safetensors");
        ForeignFile.Write(path, tensors);
        new PretrainedInitializer(new PretrainedOptions(path, Strict: true)).Initialize(actual, new InitContext());
        foreach (var (name, value) in expected.state_dict())
            Assert.True(value.Equals(actual.state_dict()[name]), name);

        string Name(string own) =>
            own.StartsWith("norm.", StringComparison.Ordinal) ? "visual.ln_post" + own["norm".Length..] : Foreign(own);

        static Tensor Shaped(string own, Tensor value) =>
            own switch
            {
                "cls_token" => value.flatten(),
                "pos_embed" => value.squeeze(0),
                _ => value,
            };
    }

    private void ReadAndCompare(string fixture, string backbone, string keys, long height, long width)
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        var path = Path.Combine(_folder, fixture + ".safetensors");
        ForeignFile.Write(
            path,
            expected
                .GetProperty("names")
                .EnumerateObject()
                .Select(entry => (entry.Name, Formula.Values(entry.Name, [.. entry.Value.EnumerateArray().Select(n => n.GetInt64())])))
        );
        using var model = Build.From<Backbone>(backbone);
        new PretrainedInitializer(new PretrainedOptions(path, keys, Strict: true)).Initialize(model, new InitContext());
        model.eval();
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        Close(expected.GetProperty("logits"), model.call(Formula.Values("images", 2, 3, height, width))[0], fixture);
    }

    private static ImageClassifier Classifier(string backbone) =>
        (ImageClassifier)
            Build.From<VisionModel>(
                $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
                Build.Classes(10)
            );

    private static void Close(JsonElement expected, Tensor actual, string what, double tolerance = Tolerance) =>
        ParityTests.AssertClose(expected, actual, what, tolerance);
}
