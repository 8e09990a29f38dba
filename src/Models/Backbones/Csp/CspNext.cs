using Tessera.Framework.Models;
using Tessera.Models.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.Csp;

/// <param name="Arch">"p5": strides to 32; "p6": to 64.</param>
/// <param name="DeepenFactor">Times the blocks of each stage, which are 3, 6, 6 and 3.</param>
/// <param name="WidenFactor">Times the channels of each stage.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Whose maps are given: 0 the stem (stride 2), n the n-th stage (stride 2^(n+1)); 2, 3 and 4 by default. Stages
/// after the last of them are not built.</param>
/// <param name="UseDepthwise">All larger convolutions are separable, not the 5x5 alone.</param>
/// <param name="ExpandRatio">Width inside a stage's layer, over the stage's.</param>
/// <param name="ChannelAttention">Channels are weighed at each stage's end.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; n: also the first n stages. Frozen norms keep their statistics.</param>
/// <param name="NormEval">All norms keep their statistics in training.</param>
/// <param name="NormEps">What batch norms add to variances. RTMDet's published weights have 1e-5.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record CspNextOptions(
    CspArch Arch = CspArch.P5,
    [property: Range(0.01, 16)] double DeepenFactor = 1,
    [property: Range(0.01, 16)] double WidenFactor = 1,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: MinLength(1)] int[]? OutIndices = null,
    bool UseDepthwise = false,
    [property: Range(0.01, 4)] double ExpandRatio = 0.5,
    bool ChannelAttention = true,
    [property: Range(-1, 16)] int FrozenStages = -1,
    bool NormEval = false,
    [property: Range(1e-12, 1)] double NormEps = 1e-5,
    [property: Range(0, 1)] double NormMomentum = 0.1
);

/// <summary>Cross stage partial layers with 5x5 convolutions and attention over channels, RTMDet's backbone.</summary>
/// <remarks>
/// Lyu et al., "RTMDet: An Empirical Study of Designing Real-Time Object Detectors", 2022, arXiv:2212.07784. Factors (deepen, widen):
/// tiny 0.167, 0.375; s 0.33, 0.5; m 0.67, 0.75; l 1, 1; x 1.33, 1.25. Parameters are named as in MMDetection.
/// </remarks>
[Component("CspNext")]
public sealed class CspNext(CspNextOptions options)
    : CspBackbone(
        new CspPlan(
            nameof(CspNext),
            options.Arch,
            options.DeepenFactor,
            options.WidenFactor,
            middle: 6,
            options.OutIndices,
            options.FrozenStages,
            options.NormEval,
            new CspStyle(NormOf(options), options.UseDepthwise, LargeKernel: true, options.ExpandRatio, options.ChannelAttention)
        ),
        plan => StemOf(options, plan.Channels(0))
    )
{
    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => CspKeys.Common;

    private static NormSettings NormOf(CspNextOptions options) => new(options.NormEps, options.NormMomentum);

    /// <summary>Three 3x3 convolutions, the first of stride 2.</summary>
    private static Module<Tensor, Tensor> StemOf(CspNextOptions options, int channels)
    {
        var norm = NormOf(options);
        return Sequential(
            new SiluConv(options.InChannels, channels / 2, 3, norm, stride: 2),
            new SiluConv(channels / 2, channels / 2, 3, norm),
            new SiluConv(channels / 2, channels, 3, norm)
        );
    }
}
