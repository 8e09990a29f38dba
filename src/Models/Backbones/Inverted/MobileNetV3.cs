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
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Whose maps are given: 0 to 4 those of strides 2 to 32, 5 that of the last 1x1 convolution (576 channels, or
/// 960). By default none, but the vector of 1024 (1280) behind a pool that a classifier reads. What lies behind the last of them is not
/// built.</param>
/// <param name="OutputStride">Total stride: later stages trade stride for dilation.</param>
/// <param name="ContractDilation">A dilated stage's first block keeps the dilation of the stage before, as timm has it; false: as
/// torchvision's dilated MobileNetV3.</param>
/// <param name="StemStride">Stride of the first convolution; 1 for images of 32 to 64 pixels, so that all strides are half of what is
/// said.</param>
/// <param name="SamePadding">Strided convolutions are padded as in TensorFlow, whose weights timm calls "tf_".</param>
/// <param name="DropPathRate">Stochastic depth: rate that the blocks' rise to, linearly from 0.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; n: also the first n stages, of 5 (small) or 6. Frozen norms keep their
/// statistics.</param>
/// <param name="NormEval">All norms keep their statistics in training.</param>
/// <param name="NormEps">What batch norms add to variances: 1e-3 in torchvision's, MMPretrain's and timm's "tf_" weights, 1e-5 in timm's
/// others.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record MobileNetV3Options(
    MobileNetV3Arch Arch = MobileNetV3Arch.Small,
    [property: Range(0.01, 16)] double WidenFactor = 1,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: MinLength(1)] int[]? OutIndices = null,
    [property: AllowedValues(2, 4, 8, 16, 32, null)] int? OutputStride = null,
    bool ContractDilation = true,
    [property: AllowedValues(1, 2)] int StemStride = 2,
    bool SamePadding = false,
    [property: Range(0, 0.99)] double DropPathRate = 0,
    [property: Range(-1, 16)] int FrozenStages = -1,
    bool NormEval = false,
    [property: Range(1e-12, 1)] double NormEps = 1e-3,
    [property: Range(0, 1)] double NormMomentum = 0.01
);

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
            new InvertedStyle(new NormSettings(options.NormEps, options.NormMomentum), options.SamePadding, HardGate: true),
            new InvertedChoice(
                options.InChannels,
                options.OutIndices,
                options.OutputStride,
                options.ContractDilation,
                options.StemStride,
                options.DropPathRate,
                options.FrozenStages,
                options.NormEval
            ),
            Widened(pooled)
        );

        int Widened(int channels) => InvertedPlan.Rounded(channels * options.WidenFactor);
    }
}
