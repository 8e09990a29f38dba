using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Backbones;

/// <summary>Swin V2 against torchvision and timm; see make_vit.py.</summary>
public sealed class SwinV2Tests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-swin-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("swin_v2_padded", 72, 104, 4)]
    [InlineData("swin_v2_even", 64, 96, 4)]
    [InlineData("swin_v2_covered", 32, 64, 5)]
    public void SwinV2_TorchvisionsFile_IsReadAndMatches(string fixture, long height, long width, int window)
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        using var model = Classifier($$""" "depths": [2, 2], "num_heads": [2, 3], "window_size": {{window}}, "out_indices": [1] """);
        var path = Path.Combine(_folder, fixture + ".safetensors");
        ForeignFile.Write(
            path,
            expected
                .GetProperty("names")
                .EnumerateObject()
                .Select(entry => (entry.Name, Formula.Values(entry.Name, [.. entry.Value.EnumerateArray().Select(n => n.GetInt64())])))
        );
        new PretrainedInitializer(new PretrainedOptions(path, Strict: true)).Initialize(model, new InitContext(Build.Classes(10)));
        model.eval();
        using var scope = NewDisposeScope();
        using var stage1 = model.Tap("backbone.layers.0.blocks.1");
        using var merged = model.Tap("backbone.layers.0.downsample");
        using var stage2 = model.Tap("backbone.layers.1.blocks.1");
        using var norm = model.Tap("backbone.norm");
        var logits = model.Logits(Formula.Values("images", 2, 3, height, width));
        var (down, across) = (height / 4, width / 4);
        var (halfDown, halfAcross) = ((down + 1) / 2, (across + 1) / 2);
        Close("stage1", stage1.Values[0].view(2, down, across, -1));
        Close("merged", merged.Values[0].permute(0, 2, 3, 1));
        Close("stage2", stage2.Values[0].view(2, halfDown, halfAcross, -1));
        Close("norm", norm.Values[0].view(2, halfDown, halfAcross, -1));
        Close("logits", logits);

        logits.square().sum().backward();
        var parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var gradient in expected.GetProperty("gradients").EnumerateObject())
            ParityTests.AssertClose(
                gradient.Value,
                parameters[model.KeyMaps["torchvision"].Rename(gradient.Name)!].grad!,
                $"{fixture} {gradient.Name}",
                1e-3
            );

        void Close(string name, Tensor actual) => ParityTests.AssertClose(expected.GetProperty(name), actual, $"{fixture} {name}", 1e-4);
    }

    [Theory]
    [InlineData(
        "timm_swin_v2_padded",
        72,
        104,
        """ "depths": [2, 2], "num_heads": [2, 3], "window_size": 4, "window_padding": "attended_after_shift", "out_indices": [1] """
    )]
    [InlineData(
        "timm_swin_v2_pretrained",
        64,
        64,
        """ "depths": [2, 2, 2], "num_heads": [2, 3, 4], "window_size": 8, "image_size": 64, "pretrained_window_sizes": [6, 6, 3], "out_indices": [2] """
    )]
    public void SwinV2_FormulaWeights_MatchesTimm(string fixture, long height, long width, string options)
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        using var model = Classifier(options);
        Formula.Fill(model, model.KeyMaps["timm"]);
        model.eval();
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        ParityTests.AssertClose(expected.GetProperty("logits"), model.Logits(Formula.Values("images", 2, 3, height, width)), fixture, 1e-4);
    }

    [Fact]
    public void SwinV2_AtFirst_BlocksAddNothing()
    {
        using var model = new SwinTransformerV2(new SwinTransformerV2Options(EmbedDim: 12, Depths: [2], NumHeads: [2], WindowSize: 4));
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        model.eval();
        using var stem = model.Tap("patch_embed");
        using var block = model.Tap("layers.0.blocks.1");
        _ = model.call(Formula.Values("images", 2, 3, 32, 32));
        Assert.True(stem.Values[0].flatten(2).transpose(1, 2).allclose(block.Values[0]));
    }

    [Fact]
    public void SwinV2_WindowsOfAnotherNumberOfStages_AreRefused() =>
        Assert.Equal(
            "SwinTransformerV2: pretrained_window_sizes has 2 values, but depths 4.",
            Assert
                .Throws<UserErrorException>(() => new SwinTransformerV2(new SwinTransformerV2Options(PretrainedWindowSizes: [12, 12])))
                .Message
        );

    private static ImageClassifier Classifier(string options) =>
        (ImageClassifier)
            Build.From<VisionModel>(
                $$"""{ "type": "ImageClassifier", "backbone": { "type": "SwinTransformerV2", "embed_dim": 12, {{options}} }, "head": { "type": "LinearHead" } }""",
                Build.Classes(10)
            );
}
