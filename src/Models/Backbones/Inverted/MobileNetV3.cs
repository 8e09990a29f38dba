using Tessera.Models.Layers;

namespace Tessera.Models.Backbones.Inverted;

/// <summary>Published sizes of <see cref="MobileNetV3"/>.</summary>
public enum MobileNetV3Arch
{
    Small,
    Large,
}

/// <param name="Arch">"small" or "large".</param>
/// <param name="WidenFactor">Times all channels, as torchvision has it.</param>
/// <param name="NormEps">What batch norms add to variances: 1e-3 in torchvision's, MMPretrain's and timm's "tf_" weights, 1e-5 in timm's
/// others.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record MobileNetV3Options(
    MobileNetV3Arch Arch = MobileNetV3Arch.Small,
    [property: Range(0.01, 16)] double WidenFactor = 1,
    [property: Range(1e-12, 1)] double NormEps = 1e-3,
    [property: Range(0, 1)] double NormMomentum = 0.01
) : InvertedOptions;

/// <summary>Inverted residuals found by search for the processors of telephones, with cheap activations and weighed channels.</summary>
/// <remarks>
/// Howard et al., "Searching for MobileNetV3", 2019, arXiv:1905.02244, tables 1 and 2. Reads and writes torchvision's, timm's and
/// MMPretrain's names.
/// </remarks>
[Component("MobileNetV3")]
public sealed class MobileNetV3(MobileNetV3Options options) : InvertedBackbone(Plan(options))
{
    private const int Stem = 16;
    private const int Last = 6; // times the last stage's channels

    // Kernel, inner channels, channels, whether channels are weighed, whether activations are hard-swish, stride; a line is a stage.
    private static readonly (int Kernel, int Hidden, int Channels, bool Weighed, bool Swish, int Stride)[][] _small =
    [
        [(3, 16, 16, true, false, 2)],
        [(3, 72, 24, false, false, 2), (3, 88, 24, false, false, 1)],
        [(5, 96, 40, true, true, 2), (5, 240, 40, true, true, 1), (5, 240, 40, true, true, 1)],
        [(5, 120, 48, true, true, 1), (5, 144, 48, true, true, 1)],
        [(5, 288, 96, true, true, 2), (5, 576, 96, true, true, 1), (5, 576, 96, true, true, 1)],
    ];

    private static readonly (int Kernel, int Hidden, int Channels, bool Weighed, bool Swish, int Stride)[][] _large =
    [
        [(3, 16, 16, false, false, 1)],
        [(3, 64, 24, false, false, 2), (3, 72, 24, false, false, 1)],
        [(5, 72, 40, true, false, 2), (5, 120, 40, true, false, 1), (5, 120, 40, true, false, 1)],
        [(3, 240, 80, false, true, 2), (3, 200, 80, false, true, 1), (3, 184, 80, false, true, 1), (3, 184, 80, false, true, 1)],
        [(3, 480, 112, true, true, 1), (3, 672, 112, true, true, 1)],
        [(5, 672, 160, true, true, 2), (5, 960, 160, true, true, 1), (5, 960, 160, true, true, 1)],
    ];

    private static InvertedPlan Plan(MobileNetV3Options options)
    {
        var (rows, pooled) = options.Arch == MobileNetV3Arch.Small ? (_small, 1024) : (_large, 1280);
        InvertedShape[][] stages =
        [
            .. rows.Select(row =>
                row.Select(block =>
                    {
                        var hidden = Widened(block.Hidden);
                        return new InvertedShape(
                            block.Kernel,
                            hidden,
                            Widened(block.Channels),
                            block.Stride,
                            block.Swish ? Activation.Hardswish : Activation.Relu,
                            block.Weighed ? InvertedPlan.Rounded(hidden / 4) : 0
                        );
                    })
                    .ToArray()
            ),
        ];
        return new InvertedPlan(
            InvertedFamily.MobileNetV3,
            Widened(Stem),
            stages,
            Last * stages[^1][^1].Channels,
            Activation.Hardswish,
            new NormSettings(options.NormEps, options.NormMomentum),
            options,
            Widened(pooled)
        );

        int Widened(int channels) => InvertedPlan.Rounded(channels * options.WidenFactor);
    }
}
