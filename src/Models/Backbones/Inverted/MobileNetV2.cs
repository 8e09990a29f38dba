using Tessera.Models.Layers;

namespace Tessera.Models.Backbones.Inverted;

/// <param name="WidenFactor">Times the channels of every stage; the last convolution has at least 1280.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Whose maps are given: 0 to 4 those of strides 2 to 32 (MMPretrain's 0, 1, 2, 4, 6), 5 that of the last 1x1
/// convolution (MMPretrain's 7); 5 by default, which a classifier reads. What lies behind the last of them is not built.</param>
/// <param name="OutputStride">Total stride: later stages trade stride for dilation.</param>
/// <param name="ContractDilation">A dilated stage's first block keeps the dilation of the stage before, as timm has it.</param>
/// <param name="StemStride">Stride of the first convolution; 1 for images of 32 to 64 pixels, so that all strides are half of what is
/// said.</param>
/// <param name="SamePadding">Strided convolutions are padded as in TensorFlow.</param>
/// <param name="DropPathRate">Stochastic depth: rate that the blocks' rise to, linearly from 0.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; n: also the first n stages, of 7. Frozen norms keep their
/// statistics.</param>
/// <param name="NormEval">All norms keep their statistics in training.</param>
/// <param name="NormEps">What batch norms add to variances.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record MobileNetV2Options(
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
    [property: Range(1e-12, 1)] double NormEps = 1e-5,
    [property: Range(0, 1)] double NormMomentum = 0.1
);

/// <summary>The first network of inverted residuals, for small devices.</summary>
/// <remarks>
/// Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018, arXiv:1801.04381, table 2. Reads and writes
/// torchvision's, timm's and MMPretrain's names.
/// </remarks>
[Component("MobileNetV2")]
public sealed class MobileNetV2(MobileNetV2Options options) : InvertedBackbone(Plan(options))
{
    private const int Stem = 32;
    private const int Last = 1280;

    private static readonly (int Expansion, int Channels, int Blocks, int Stride)[] _stages =
    [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ];

    private static InvertedPlan Plan(MobileNetV2Options options)
    {
        var stem = InvertedPlan.Rounded(Stem * options.WidenFactor);
        var (width, stages) = (stem, new List<InvertedShape[]>());
        foreach (var stage in _stages)
        {
            var channels = InvertedPlan.Rounded(stage.Channels * options.WidenFactor);
            var blocks = new InvertedShape[stage.Blocks];
            for (var i = 0; i < blocks.Length; i++)
            {
                blocks[i] = new InvertedShape(3, width * stage.Expansion, channels, i == 0 ? stage.Stride : 1, Activation.Relu6);
                width = channels;
            }
            stages.Add(blocks);
        }
        return new InvertedPlan(
            InvertedFamily.MobileNetV2,
            stem,
            stages,
            InvertedPlan.Rounded(Last * Math.Max(1, options.WidenFactor)),
            Activation.Relu6,
            new InvertedStyle(new NormSettings(options.NormEps, options.NormMomentum), options.SamePadding, HardGate: false),
            new InvertedChoice(
                options.InChannels,
                options.OutIndices,
                options.OutputStride,
                options.ContractDilation,
                options.StemStride,
                options.DropPathRate,
                options.FrozenStages,
                options.NormEval
            )
        );
    }
}
