using Tessera.Models.Layers;

namespace Tessera.Models.Backbones.Inverted;

/// <summary>Published sizes of <see cref="EfficientNet"/>.</summary>
public enum EfficientNetArch
{
    B0,
    B1,
    B2,
    B3,
    B4,
    B5,
    B6,
    B7,
}

/// <param name="Arch">Factors of width and depth as published: b0 1, 1; b1 1, 1.1; b2 1.1, 1.2; b3 1.2, 1.4; b4 1.4, 1.8; b5 1.6, 2.2; b6
/// 1.8, 2.6; b7 2, 3.1.</param>
/// <param name="WidenFactor">Times the channels, instead of the arch's.</param>
/// <param name="DeepenFactor">Times the blocks of each stage, instead of the arch's.</param>
/// <param name="NormEps">What batch norms add to variances: 1e-5 in torchvision's and timm's weights; 1e-3 in torchvision's of b5 to b7,
/// in timm's "tf_" and in MMPretrain's.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record EfficientNetOptions(
    EfficientNetArch Arch = EfficientNetArch.B0,
    [property: Range(0.01, 16)] double? WidenFactor = null,
    [property: Range(0.01, 16)] double? DeepenFactor = null,
    [property: Range(1e-12, 1)] double NormEps = 1e-5,
    [property: Range(0, 1)] double NormMomentum = 0.1
) : InvertedOptions;

/// <summary>Inverted residuals with weighed channels, found by search and then scaled in width, depth and image size at once.</summary>
/// <remarks>
/// Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, arXiv:1905.11946, table 1. Reads, writes
/// torchvision's, timm's and MMPretrain's names. Published for images of 224, 240, 260, 300, 380, 456, 528 and 600 pixels.
/// </remarks>
[Component("EfficientNet")]
public sealed class EfficientNet(EfficientNetOptions options) : InvertedBackbone(Plan(options))
{
    private const int Last = 4; // times the last stage's channels
    private const double TensorFlowEps = 1e-3;

    public override string? OptionsOf(string? project, IReadOnlyCollection<string> tensors) =>
        project switch
        {
            "mmlab" when !options.SamePadding || options.NormEps != TensorFlowEps => "\"same_padding\": true, \"norm_eps\": 0.001",
            "torchvision" when options.Arch >= EfficientNetArch.B5 && options.NormEps != TensorFlowEps => "\"norm_eps\": 0.001",
            _ => null,
        };

    // Expansion, kernel, stride, channels, blocks.
    private static readonly (int Expansion, int Kernel, int Stride, int Channels, int Blocks)[] _stages =
    [
        (1, 3, 1, 16, 1),
        (6, 3, 2, 24, 2),
        (6, 5, 2, 40, 2),
        (6, 3, 2, 80, 3),
        (6, 5, 1, 112, 3),
        (6, 5, 2, 192, 4),
        (6, 3, 1, 320, 1),
    ];

    private static InvertedPlan Plan(EfficientNetOptions options)
    {
        var (wide, deep) = options.Arch switch
        {
            EfficientNetArch.B0 => (1.0, 1.0),
            EfficientNetArch.B1 => (1.0, 1.1),
            EfficientNetArch.B2 => (1.1, 1.2),
            EfficientNetArch.B3 => (1.2, 1.4),
            EfficientNetArch.B4 => (1.4, 1.8),
            EfficientNetArch.B5 => (1.6, 2.2),
            EfficientNetArch.B6 => (1.8, 2.6),
            _ => (2.0, 3.1),
        };
        (wide, deep) = (options.WidenFactor ?? wide, options.DeepenFactor ?? deep);
        var width = InvertedPlan.Rounded(32 * wide);
        var (stem, stages) = (width, new List<InvertedShape[]>());
        foreach (var stage in _stages)
        {
            var blocks = new InvertedShape[(int)Math.Ceiling(stage.Blocks * deep)];
            for (var i = 0; i < blocks.Length; i++)
            {
                var channels = InvertedPlan.Rounded(stage.Channels * wide);
                blocks[i] = new InvertedShape(
                    stage.Kernel,
                    width * stage.Expansion,
                    channels,
                    i == 0 ? stage.Stride : 1,
                    Activation.Silu,
                    Squeezed: Math.Max(1, width / 4)
                );
                width = channels;
            }
            stages.Add(blocks);
        }
        return new InvertedPlan(
            InvertedFamily.EfficientNet,
            stem,
            stages,
            Last * width,
            Activation.Silu,
            new NormSettings(options.NormEps, options.NormMomentum),
            options
        );
    }
}
