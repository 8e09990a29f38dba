using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>The first principal component of the gradient's size times the activation, turned over where its least value is farther
/// from 0 than its greatest. For segmentation.</summary>
/// <remarks>Chung and Ying, "Seg-Eigen-CAM: Eigen-Value-Based Visual Explanations for Semantic Segmentation Models", 2025, Applied
/// Sciences 15(13) 7562.</remarks>
[Component("SegEigenCam")]
public sealed class SegEigenCam : ActivationMethod
{
    public override string Title => "Seg-Eigen-CAM";

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        var map = PrincipalComponent.Unsigned(run.Gradient.abs() * run.Activation);
        var turned = map.amax([1, 2], keepdim: true).lt(-map.amin([1, 2], keepdim: true));
        return scope.MoveToOuter(where(turned, -map, map).to(run.Activation.dtype).unsqueeze(1));
    }
}
