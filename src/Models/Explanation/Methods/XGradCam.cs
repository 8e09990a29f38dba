using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>Each channel weighs as much as the mean of its gradients, places weighted by their share of the channel's activation.</summary>
/// <remarks>Fu et al., "Axiom-based Grad-CAM", 2020, arXiv:2008.02312, equation 8. Where activations have both signs (the output of a
/// norm), a channel's sum may be near 0 and its weight very large; a channel whose sum is 0 weighs nothing.</remarks>
[Component("XGradCam")]
public sealed class XGradCam : ActivationMethod
{
    public override string Title => "XGrad-CAM";

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        var sums = run.Activation.sum([2, 3], keepdim: true);
        var weighted = (run.Gradient * run.Activation).sum([2, 3], keepdim: true);
        return scope.MoveToOuter(where(sums.ne(0), weighted / sums, zeros_like(sums)) * run.Activation);
    }
}
