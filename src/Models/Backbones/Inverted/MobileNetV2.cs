using Tessera.Models.Layers;

namespace Tessera.Models.Backbones.Inverted;

/// <param name="WidenFactor">Times the channels of every stage; the last convolution has at least 1280.</param>
/// <param name="NormEps">What batch norms add to variances.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record MobileNetV2Options(
    [property: Range(0.01, 16)] double WidenFactor = 1,
    [property: Range(1e-12, 1)] double NormEps = 1e-5,
    [property: Range(0, 1)] double NormMomentum = 0.1
) : InvertedOptions;

/// <summary>The first network of inverted residuals, for small devices.</summary>
/// <remarks>
/// Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018, arXiv:1801.04381, table 2. Reads and writes
/// torchvision's, timm's and MMPretrain's names. Its maps 0 to 5 are MMPretrain's 0, 1, 2, 4, 6 and 7.
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
            new NormSettings(options.NormEps, options.NormMomentum),
            options
        );
    }
}
