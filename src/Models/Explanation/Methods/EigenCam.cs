using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>The first principal component of the activation.</summary>
/// <remarks>
/// Muhammad and Yeasin, "Eigen-CAM: Class Activation Map using Principal Components", 2020, arXiv:2008.00299; centred, as
/// pytorch-grad-cam has it. The component's sign is arbitrary and is chosen so that the map correlates positively with gradient times
/// activation, summed over channels: the score decides which side is shown, and nothing else.
/// </remarks>
[Component("EigenCam")]
public sealed class EigenCam : ActivationMethod
{
    public override string Title => "Eigen-CAM";

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        var map = PrincipalComponent.Of(run.Activation, towards: (run.Gradient * run.Activation).sum(1));
        return scope.MoveToOuter(map.unsqueeze(1));
    }
}
