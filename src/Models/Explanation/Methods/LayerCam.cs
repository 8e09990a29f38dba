using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>Activation weighted by the positive part of the gradient, place by place; also for early layers.</summary>
/// <remarks>Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization", 2021, equation 5.</remarks>
[Component("LayerCam")]
public sealed class LayerCam : ActivationMethod
{
    public override string Title => "LayerCAM";

    public override Tensor Contributions(ExplainedRun run) => run.Gradient.clamp_min(0) * run.Activation;
}
