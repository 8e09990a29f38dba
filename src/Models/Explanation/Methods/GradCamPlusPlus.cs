using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>Each channel weighs as much as the sum of its positive gradients, those of few and strong places more.</summary>
/// <remarks>
/// Chattopadhyay et al., "Grad-CAM++", 2018, arXiv:1710.11063, equations 5 and 19, for the exponential of the score, whose second and
/// third derivatives are powers of the first. A place weighs α = g² / (2g² + S g³) with S the channel's sum of activations: where g
/// isn't 0 that is 1 / (2 + S g), which needs no small number in the denominator, so that the map doesn't vanish where gradients are
/// small. Where 2 + S g is 0 itself, which takes a negative S, the place is left out.
/// </remarks>
[Component("GradCamPlusPlus")]
public sealed class GradCamPlusPlus : ActivationMethod
{
    public override string Title => "Grad-CAM++";

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        var gradient = run.Gradient;
        var denominator = 2 + (run.Activation.sum([2, 3], keepdim: true) * gradient);
        var alpha = where(gradient.ne(0).logical_and(denominator.ne(0)), 1 / denominator, zeros_like(gradient));
        return scope.MoveToOuter((gradient.clamp_min(0) * alpha).sum([2, 3], keepdim: true) * run.Activation);
    }
}
