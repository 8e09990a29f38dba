using Tessera.Framework.Components;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Backbones.Inverted;
using Tessera.Models.Backbones.RegNets;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Backbones;

/// <summary>ConvNeXt, EfficientNet, MobileNet, RegNet, DenseNet and Res2Net beside what the contract and parity tests show.</summary>
public sealed class ConvNetTests
{
    public static TheoryData<string, int[]> Pyramids() =>
        new()
        {
            {
                """{ "type": "ConvNeXt", "depths": [1, 1, 1, 1], "channels": [8, 12, 16, 24], "out_indices": [0, 1, 2, 3] }""",
                [4, 8, 16, 32]
            },
            { """{ "type": "EfficientNet", "widen_factor": 0.25, "out_indices": [1, 2, 3, 4] }""", [4, 8, 16, 32] },
            { """{ "type": "EfficientNetV2", "widen_factor": 0.34, "deepen_factor": 0.2, "out_indices": [2, 3, 4] }""", [8, 16, 32] },
            { """{ "type": "MobileNetV2", "widen_factor": 0.25, "out_indices": [0, 1, 2, 3, 4] }""", [2, 4, 8, 16, 32] },
            { """{ "type": "MobileNetV3", "out_indices": [1, 2, 3, 4] }""", [4, 8, 16, 32] },
            { """{ "type": "MobileNetV3", "arch": "large", "widen_factor": 0.5, "out_indices": [2, 3, 5] }""", [8, 16, 32] },
            { """{ "type": "RegNet", "depth": 6, "w0": 8, "wa": 8, "wm": 2, "group_size": 4 }""", [4, 8, 16, 32] },
            { """{ "type": "RegNet", "arch": "y002", "out_indices": [1, 2, 3], "output_stride": 16 }""", [8, 16, 16] },
            { """{ "type": "DenseNet", "growth_rate": 4, "stage_layers": [1, 2, 2, 1] }""", [4, 8, 16, 32] },
            { """{ "type": "Res2Net", "base_channels": 16, "stage_blocks": [1, 1, 1, 1] }""", [4, 8, 16, 32] },
        };

    /// <summary>A pyramid neck takes their maps, of images whose sides no stride divides, and sends gradients back.</summary>
    [Theory]
    [MemberData(nameof(Pyramids))]
    public void Fpn_OverTheMaps_GivesALevelForEach(string config, int[] strides)
    {
        using var backbone = Build.From<Backbone>(config);
        Assert.Equal(strides, backbone.OutStrides);
        using var neck = Build.From<Neck>($$"""{ "type": "Fpn", "out_channels": 8, "num_outs": {{strides.Length}} }""", backbone);
        using var scope = NewDisposeScope();
        using var images = Formula.Values("images", 2, 3, 75, 107);
        var maps = backbone.call(images);
        var levels = neck.call(maps);
        Assert.Equal(
            maps.Select(map => (2L, 8L, map.shape[2], map.shape[3])),
            levels.Select(l => (l.shape[0], l.shape[1], l.shape[2], l.shape[3]))
        );
        levels.Aggregate(zeros(1), (sum, level) => sum + level.square().mean()).backward();
        Assert.True(backbone.parameters().First().grad!.abs().sum().item<float>() > 0);
    }

    /// <summary>Stages that no map comes from are not built: as many parameters as the maps need.</summary>
    [Theory]
    [InlineData("""{ "type": "MobileNetV2", "out_indices": [2] }""", "layer3.2", "layer4.0")]
    [InlineData("""{ "type": "EfficientNet", "out_indices": [0, 1] }""", "layer2.1", "layer3.0")]
    [InlineData("""{ "type": "ConvNeXt", "arch": "atto", "out_indices": [1] }""", "stages.1.1", "stages.2.0")]
    [InlineData("""{ "type": "RegNet", "out_indices": [0] }""", "layer1.0", "layer2.0")]
    [InlineData("""{ "type": "DenseNet", "out_indices": [1] }""", "stage2.block.11", "stage3")]
    [InlineData("""{ "type": "Res2Net", "out_indices": [0, 1] }""", "layer2.3", "layer3.0")]
    public void OutIndices_LastStages_AreNotBuilt(string config, string last, string missing)
    {
        using var backbone = Build.From<Backbone>(config);
        var names = backbone.named_modules().Select(module => module.name).ToArray();
        Assert.Contains(last, names);
        Assert.DoesNotContain(missing, names);
    }

    [Theory]
    [InlineData(
        """{ "type": "ConvNeXt", "arch": "atto", "frozen_stages": 2 }""",
        "stages.1.1.pwconv2.weight",
        "downsample_layers.2.0.weight"
    )]
    [InlineData("""{ "type": "ConvNeXt", "arch": "atto", "frozen_stages": 0 }""", "downsample_layers.0.1.weight", "stages.0.0.gamma")]
    [InlineData("""{ "type": "EfficientNet", "frozen_stages": 3 }""", "layer3.1.se.conv2.bias", "layer4.0.expand_conv.conv.weight")]
    [InlineData("""{ "type": "MobileNetV2", "frozen_stages": 0 }""", "conv1.bn.bias", "layer1.0.depthwise_conv.conv.weight")]
    [InlineData("""{ "type": "RegNet", "frozen_stages": 1 }""", "layer1.0.conv3.bn.weight", "layer2.0.conv1.conv.weight")]
    [InlineData("""{ "type": "DenseNet", "frozen_stages": 1 }""", "stage1.block.5.conv2.weight", "stage2.norm.weight")]
    [InlineData("""{ "type": "Res2Net", "frozen_stages": 1 }""", "layer1.0.convs.2.weight", "layer2.0.conv1.weight")]
    public void FrozenStages_Train_KeepTheirWeightsAndNorms(string config, string last, string first)
    {
        using var backbone = Build.From<Backbone>(config);
        backbone.train();
        var parameters = backbone.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.requires_grad);
        Assert.False(parameters[last]);
        Assert.True(parameters[first]);
        // Everything before the last frozen tensor is frozen, everything after it is not; norms follow.
        foreach (var (name, module) in backbone.named_modules().Where(entry => entry.module is BatchNorm2d))
            Assert.Equal(parameters[name + ".weight"], module.training);
    }

    /// <summary>Each net's rate reaches its blocks: 0 at the first, and what torchvision's and timm's formulas give at the last.</summary>
    [Theory]
    [InlineData("""{ "type": "ConvNeXt", "depths": [1, 1, 2, 1], "channels": [8, 8, 8, 8], "drop_path_rate": 0.4 }""", 0.4)]
    [InlineData("""{ "type": "RegNet", "drop_path_rate": 0.4 }""", 0.4)]
    [InlineData("""{ "type": "EfficientNet", "drop_path_rate": 0.4, "out_indices": [3] }""", 0.4 * 10 / 16)] // its 11th block of 16
    [InlineData("""{ "type": "MobileNetV2", "drop_path_rate": 0.4, "out_indices": [4] }""", 0.4 * 15 / 17)] // the 17th adds nothing
    public void DropPathRate_LastBlock_HasTheFormulasRate(string config, double expected)
    {
        using var backbone = Build.From<Backbone>(config);
        Assert.Equal(expected, backbone.modules().OfType<Tessera.Models.Layers.DropPath>().Max(path => path.Rate), 1e-12);
    }

    [Theory]
    [InlineData("""{ "type": "EfficientNet", "arch": "b8" }""", "b7")]
    [InlineData("""{ "type": "EfficientNetV2", "arch": "xl" }""", "l")]
    [InlineData("""{ "type": "MobileNetV3", "arch": "larg" }""", "\"large\"")]
    [InlineData("""{ "type": "RegNet", "arch": "y03" }""", "y032")]
    [InlineData("""{ "type": "ConvNeXt", "arch": "tini" }""", "\"tiny\"")]
    [InlineData("""{ "type": "DenseNet", "depth": 120 }""", "121, 161, 169, 201")]
    [InlineData("""{ "type": "Res2Net", "depth": 18 }""", "50, 101, 152")]
    [InlineData("""{ "type": "EfficientNet", "out_indices": [3, 6] }""", "EfficientNet: out_indices must rise and lie in 0 .. 5")]
    [InlineData("""{ "type": "DenseNet", "out_indices": [4] }""", "DenseNet: out_indices must rise and lie in 0 .. 3")]
    [InlineData("""{ "type": "ConvNeXt", "depths": [1, 1], "channels": [8] }""", "channels has 1 values, but there are 2 stages")]
    [InlineData("""{ "type": "ConvNeXt", "frozen_stages": 5 }""", "ConvNeXt: frozen_stages is 5, but there are 4 stages")]
    [InlineData("""{ "type": "RegNet", "w0": 20 }""", "RegNet: w0 must be a multiple of 8, not 20")]
    [InlineData("""{ "type": "RegNet", "frozen_stages": 9 }""", "RegNet: frozen_stages is 9, but there are 4 stages")]
    [InlineData("""{ "type": "Res2Net", "output_stride": 8, "strides": [1, 2, 1, 1] }""", "Res2Net: output_stride works out")]
    [InlineData("""{ "type": "Res2Net", "base_channels": 1 }""", "Res2Net: base_width 26 leaves no channels")]
    public void Options_ThatDontFit_AreToldInOneMessage(string config, string expected)
    {
        var error = Assert.Throws<UserErrorException>(() => Build.From<Backbone>(config));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "type": "ConvNeXt", "arch": "atto" }""", 31, "ConvNeXt: images of 31 x 64 pixels are too small", "32 x 32 or more")]
    [InlineData("""{ "type": "ConvNeXt", "arch": "atto", "out_indices": [1] }""", 7, "7 x 64 pixels", "8 x 8 or more")]
    [InlineData("""{ "type": "DenseNet" }""", 28, "DenseNet: images of 28 x 64 pixels are too small", "29 x 29 or more")]
    [InlineData("""{ "type": "DenseNet", "stem": "small" }""", 7, "7 x 64 pixels", "8 x 8 or more")]
    public void Forward_ImageSmallerThanTheStrides_SaysSo(string config, int height, string what, string least)
    {
        using var backbone = Build.From<Backbone>(config);
        backbone.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var error = Assert.Throws<UserErrorException>(() => backbone.call(zeros(1, 3, height, 64)));
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.Contains(least, error.Message, StringComparison.Ordinal);
        Assert.All(backbone.call(zeros(1, 3, height + 1, 64)), map => Assert.True(map.numel() > 0)); // one more pixel is enough
    }

    /// <summary>Stage by stage, as the paper's table 5 has them: widths and depths of X-400MF and Y-32GF.</summary>
    [Theory]
    [InlineData(RegNetArch.X004, new[] { 32, 64, 160, 384 })]
    [InlineData(RegNetArch.Y320, new[] { 232, 696, 1392, 3712 })]
    [InlineData(RegNetArch.X064, new[] { 168, 392, 784, 1624 })]
    public void RegNet_Widths_ArePublished(RegNetArch arch, int[] widths) =>
        Assert.Equal(widths, new RegNetPlan(new RegNetOptions(arch)).Stages.Select(stage => stage.Width));

    /// <summary>By hand: 53 pixels, kernel 5, stride 2: 27 of output see 26 · 2 + 5 = 57, so 4 are added; 54: 27 see 57, so 3.</summary>
    [Theory]
    [InlineData(53, 57)]
    [InlineData(54, 57)]
    [InlineData(1, 5)]
    public void SamePadding_AddsWhatTheLastWindowLacks(int side, int padded)
    {
        using var scope = NewDisposeScope();
        var shape = new Tessera.Models.Layers.ConvShape(1, 1, 5, Stride: 2, Same: true);
        var map = shape.Pad(ones(1, 1, side, side));
        Assert.Equal([1, 1, padded, padded], map.shape);
        Assert.Equal((padded - side) / 2, map[0, 0, padded / 2].argmax().item<long>()); // an odd pixel goes behind
    }

    /// <summary>A multiple of 8 that is no less than nine tenths: 12 to 16, 13 to 16, 33 to 32, 36 to 40, 44 to 48.</summary>
    [Theory]
    [InlineData(3, 8)]
    [InlineData(12, 16)]
    [InlineData(33, 32)]
    [InlineData(36, 40)]
    [InlineData(44, 48)]
    [InlineData(11.2, 16)] // 8 would be less than nine tenths
    public void Rounded_Channels_AreMultiplesOfEight(double channels, int expected) =>
        Assert.Equal(expected, InvertedPlan.Rounded(channels));
}
