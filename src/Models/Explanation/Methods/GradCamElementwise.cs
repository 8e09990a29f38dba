using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>Gradient times activation where the product is positive, channel by channel, so that what speaks against the score takes
/// nothing away.</summary>
/// <remarks>As in github.com/jacobgil/pytorch-grad-cam (GradCAMElementWise).</remarks>
[Component("GradCamElementwise")]
public sealed class GradCamElementwise : ActivationMethod
{
    public override string Title => "Grad-CAM (elementwise)";

    public override Tensor Contributions(ExplainedRun run) => (run.Gradient * run.Activation).clamp_min(0);
}
