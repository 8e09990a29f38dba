using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Models.Backbones;
using Tessera.Models.Heads;
using Tessera.Models.TaskModels;

namespace Tessera.Tests.Models;

/// <summary>How many parameters of known networks each preset trains, with a head of 1,000 classes.</summary>
public sealed class TunedCountTests
{
    private const long Head = 1000 * 2048 + 1000;

    /// <summary>ResNet-50: layer4 has 14,964,736, its classifier 2,049,000; of its norms there are 2 x 26,560 parameters (sum of the
    /// channels of all norms).</summary>
    [Theory]
    [InlineData(TunePreset.LinearProbe, null, Head)]
    [InlineData(TunePreset.Partial, "layer4", 14_964_736 + Head)]
    [InlineData(TunePreset.Partial, "conv1", 25_557_032)]
    [InlineData(TunePreset.Norms, null, (2 * 26_560) + Head)]
    [InlineData(TunePreset.Full, null, 25_557_032)]
    public void ResNet50_TrainsAsMany(TunePreset preset, string? from, long expected) =>
        Assert.Equal(expected, Trained(new ResNet(new ResNetOptions(50)), preset, from));

    /// <summary>ViT-B/16: each attention has 3 · 768² + 3 · 768 + 768² + 768 = 2,362,368, twelve of them 28,348,416; the head 769,000.</summary>
    [Theory]
    [InlineData(TunePreset.Attention, null, 28_348_416 + 769_000)]
    [InlineData(TunePreset.LastAttention, null, 3_131_368)]
    [InlineData(TunePreset.LinearProbe, null, 769_000)]
    [InlineData(TunePreset.Partial, "blocks.11", 7_087_872 + 1_536 + 769_000)]
    [InlineData(TunePreset.Norms, null, (25 * 1_536) + 769_000)]
    public void VisionTransformer_TrainsAsMany(TunePreset preset, string? from, long expected) =>
        Assert.Equal(expected, Trained(new VisionTransformer(new VisionTransformerOptions(VisionTransformerArch.Base)), preset, from));

    [Fact]
    public void Attention_OfAConvolutionalNetwork_SaysWhatElseThereIs()
    {
        var error = Assert.Throws<UserErrorException>(() => Trained(new ResNet(new ResNetOptions(18)), TunePreset.Attention, null));
        Assert.Contains("ResNet has no attention layer", error.Message, StringComparison.Ordinal);
    }

    private static long Trained(Backbone backbone, TunePreset preset, string? from)
    {
        var data = Build.Classes(1000);
        using var model = new ImageClassifier(backbone, null, new LinearHead(new LinearHeadOptions(), backbone, data), data);
        _ = new Tuning(model, new TuneOptions(preset, from), []);
        return model.parameters().Where(parameter => parameter.requires_grad).Sum(parameter => parameter.numel());
    }
}
