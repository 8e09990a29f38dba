using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>The first principal component of gradient times activation; its sign is that of their sum over channels.</summary>
/// <remarks>As in github.com/jacobgil/pytorch-grad-cam (EigenGradCAM), whose sign is left to chance.</remarks>
[Component("EigenGradCam")]
public sealed class EigenGradCam : ActivationMethod
{
    public override string Title => "Eigen-Grad-CAM";

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(PrincipalComponent.Of(run.Gradient * run.Activation).unsqueeze(1));
    }
}
