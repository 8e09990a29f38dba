using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;

namespace Tessera.Tests.Models.Loading;

/// <summary>Weights whose names and shapes fit, but which were trained with options that the backbone has otherwise: told, and loaded.</summary>
public sealed class UntoldOptionsTests
{
    private const string Hrnet =
        """ "type": "HRNet", "channels": 4, "layer1_channels": 4, "stage_modules": [1, 1, 1], "stage_blocks": [1, 1, 1, 1] """;

    [Theory]
    [InlineData("", "\"upsample\": \"bilinear\", \"align_corners\": false")]
    [InlineData(""", "upsample": "bilinear", "align_corners": false """, null)]
    public void MmsegHRNet_IsTold(string options, string? told) =>
        AssertTold(
            "transcribed_mmseg_hrnet",
            $$"""{ "type": "Segmentor", "backbone": { {{Hrnet}}{{options}} }, "decode_head": { "type": "ConcatHead" } }""",
            Build.Classes(5, DataTask.Segmentation),
            told
        );

    [Theory]
    [InlineData("mmpretrain_efficientnet_b0", "EfficientNet", "", "\"same_padding\": true, \"norm_eps\": 0.001")]
    [InlineData("mmpretrain_efficientnet_b0", "EfficientNet", """, "same_padding": true""", "\"same_padding\": true, \"norm_eps\": 0.001")]
    [InlineData("mmpretrain_efficientnet_b0", "EfficientNet", """, "same_padding": true, "norm_eps": 1e-3""", null)]
    [InlineData("tv_efficientnet_b0", "EfficientNet", "", null)]
    [InlineData("mmpretrain_efficientnet_v2_s", "EfficientNetV2", "", "\"same_padding\": true")]
    public void EfficientNet_IsTold(string fixture, string type, string options, string? told) =>
        AssertTold(
            fixture,
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "{{type}}"{{options}} }, "head": { "type": "LinearHead" } }""",
            Build.Classes(10),
            told
        );

    /// <summary>By names alone: torchvision's largest, and the HRNet of its authors' segmentation.</summary>
    [Theory]
    [InlineData("""{ "type": "EfficientNet", "arch": "b5" }""", "torchvision", "features.0.0.weight", "\"norm_eps\": 0.001")]
    [InlineData("""{ "type": "EfficientNet", "arch": "b5", "norm_eps": 1e-3 }""", "torchvision", "features.0.0.weight", null)]
    [InlineData("""{ "type": "EfficientNet", "arch": "b1" }""", "torchvision", "features.0.0.weight", null)]
    [InlineData("{" + Hrnet + "}", "timm", "model.last_layer.0.weight", "\"upsample\": \"bilinear\", \"align_corners\": true")]
    [InlineData("{" + Hrnet + "}", "timm", "incre_modules.0.0.conv1.weight", null)]
    public void OptionsOf_KnowsThem(string backbone, string project, string tensor, string? told)
    {
        using var made = Build.From<Backbone>(backbone);
        Assert.Equal(told, made.OptionsOf(project, [tensor]));
    }

    private static void AssertTold(string fixture, string json, DataInfo data, string? told)
    {
        using var recorder = new Recorder();
        using var model = Build.From<VisionModel>(json, data);
        using (Log.AddProvider(recorder))
            MmlabParityTests.Load(fixture, model, data);
        var warnings = recorder
            .Of(LogLevel.Warning)
            .Where(text => text.Contains("such weights were trained with", StringComparison.Ordinal));
        if (told is null)
            Assert.Empty(warnings);
        else
            Assert.Contains($"trained with {told} in the backbone", Assert.Single(warnings), StringComparison.Ordinal);
    }
}
