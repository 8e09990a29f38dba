using Tessera.Framework.Models;
using Tessera.Models.Layers;

namespace Tessera.Models.Backbones.Csp;

/// <param name="Arch">"p5": strides to 32; "p6": to 64.</param>
/// <param name="DeepenFactor">Times the blocks of each stage, which are 3, 9, 9 and 3.</param>
/// <param name="WidenFactor">Times the channels of each stage.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Whose maps are given: 0 the stem (stride 2), n the n-th stage (stride 2^(n+1)); 2, 3 and 4 by default. Stages
/// after the last of them are not built.</param>
/// <param name="UseDepthwise">Larger convolutions are separable, as in YOLOX-Nano.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; n: also the first n stages. Frozen norms keep their statistics.</param>
/// <param name="NormEval">All norms keep their statistics in training.</param>
/// <param name="NormEps">What batch norms add to variances.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record CspDarknetOptions(
    CspArch Arch = CspArch.P5,
    [property: Range(0.01, 16)] double DeepenFactor = 1,
    [property: Range(0.01, 16)] double WidenFactor = 1,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: MinLength(1)] int[]? OutIndices = null,
    bool UseDepthwise = false,
    [property: Range(-1, 16)] int FrozenStages = -1,
    bool NormEval = false,
    [property: Range(1e-12, 1)] double NormEps = 1e-3,
    [property: Range(0, 1)] double NormMomentum = 0.03
);

/// <summary>Darknet with cross stage partial layers, YOLOX's backbone.</summary>
/// <remarks>
/// Ge et al., "YOLOX", 2021, arXiv:2107.08430, after YOLOv5; Wang et al., "CSPNet", 2019, arXiv:1911.11929. Factors (deepen, widen): Nano
/// 0.33, 0.25 and separable; Tiny 0.33, 0.375; S 0.33, 0.5; M 0.67, 0.75; L 1, 1; X 1.33, 1.25. Parameters are named as in MMDetection;
/// "yolox" reads and writes Megvii's names.
/// </remarks>
[Component("CspDarknet")]
public sealed class CspDarknet(CspDarknetOptions options)
    : CspBackbone(
        new CspPlan(
            nameof(CspDarknet),
            options.Arch,
            options.DeepenFactor,
            options.WidenFactor,
            middle: 9,
            options.OutIndices,
            options.FrozenStages,
            options.NormEval,
            new CspStyle(NormOf(options), options.UseDepthwise)
        ),
        plan => new FocusStem(options.InChannels, plan.Channels(0), NormOf(options))
    )
{
    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => options.Arch == CspArch.P5 ? CspKeys.OfDarknet : CspKeys.Common;

    public override IReadOnlyList<StemTensor> StemTensors => [new StemTensor("stem.conv.conv.weight", Outer: FocusStem.Patch)];

    private static NormSettings NormOf(CspDarknetOptions options) => new(options.NormEps, options.NormMomentum);
}
