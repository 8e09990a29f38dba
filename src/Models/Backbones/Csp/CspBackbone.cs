using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.Csp;

/// <summary>How many stages there are, and how wide the last ones.</summary>
public enum CspArch
{
    /// <summary>Four stages, to stride 32, of 128, 256, 512 and 1024 channels.</summary>
    P5,

    /// <summary>Five stages, to stride 64, of 128, 256, 512, 768 and 1024 channels.</summary>
    P6,
}

/// <summary>What the networks with cross stage partial layers share: a stem and four or five stages, each of which begins with a
/// convolution of stride 2; the last pools over windows of several sizes.</summary>
/// <remarks>Parameters are named as in MMDetection: stem, stage1 …</remarks>
public abstract class CspBackbone : StagedBackbone
{
    private protected CspBackbone(CspPlan plan, Func<CspPlan, Module<Tensor, Tensor>> build)
        : base(
            new StagedPlan(
                plan.Name,
                [
                    new StagePart("stem", build(plan), plan.Channels(0), 2),
                    .. Enumerable
                        .Range(0, plan.Used)
                        .Select(i => new StagePart($"stage{i + 1}", Sequential(plan.Layers(i)), plan.Channels(i + 1), 4 << i)),
                ],
                plan.OutIndices,
                plan.FrozenStages,
                plan.NormEval
            )
        ) { }
}
