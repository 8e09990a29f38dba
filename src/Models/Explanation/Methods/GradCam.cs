using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>Each channel weighs as much as its mean gradient.</summary>
/// <remarks>Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks", 2017, arXiv:1610.02391, equations 1 and 2.</remarks>
[Component("GradCam")]
public sealed class GradCam : ActivationMethod
{
    public override string Title => "Grad-CAM";

    public override Tensor Contributions(ExplainedRun run) => run.Gradient.mean([2, 3], keepdim: true) * run.Activation;
}
