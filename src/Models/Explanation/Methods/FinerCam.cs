using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <param name="Classes">How many classes the explained one is set against: those whose logits are nearest to its own.</param>
/// <param name="Alpha">How much of their logits is taken off.</param>
public sealed record FinerCamOptions([property: Range(1, 1000)] int Classes = 3, [property: Range(0, 10)] double Alpha = 1);

/// <summary>What sets a class apart from those most like it: Grad-CAM of the difference of their logits.</summary>
/// <remarks>
/// Zhang et al., "Finer-CAM: Spotting the Difference Reveals Finer Details for Visual Explanation", 2025, arXiv:2501.11309. The score is
/// Σ p_j (y_k - α y_j) / Σ p_j over the classes j that are nearest, p_j their softmax; its gradient goes through p, too, as in the authors'
/// code.
/// </remarks>
[Component("FinerCam")]
public sealed class FinerCam(FinerCamOptions options) : ActivationMethod
{
    public override string Title => "Finer-CAM";

    public override Tensor Contributions(ExplainedRun run)
    {
        if (run.Target is not ClassTarget target || run.Outputs[0].shape[1] < 2)
            throw new UserErrorException($"{Title} sets a class against others: a class of a classifier with several was expected.");
        using var scope = NewDisposeScope();
        using var mode = enable_grad();
        var score = Score(run.Outputs[0], target.Of(run.Outputs, run.Owners));
        var gradient =
            Derivatives.Of(score.sum(), [run.Leaf], retainGraph: true)[0] ?? throw ExplanationErrors.ScoreIgnoresLayer(run.Layer.Name);
        return scope.MoveToOuter(run.Layer.ToMap(gradient).mean([2, 3], keepdim: true) * run.Activation.detach());
    }

    /// <param name="logits">[B, classes].</param>
    /// <param name="own">[B], the explained classes' logits.</param>
    /// <returns>[B].</returns>
    internal Tensor Score(Tensor logits, Tensor own)
    {
        using var scope = NewDisposeScope();
        var count = Math.Min(options.Classes, logits.shape[1] - 1);
        // The class itself is the nearest.
        var near = (logits - own.unsqueeze(1)).detach().abs().topk((int)count + 1, 1, largest: false).indexes.narrow(1, 1, count); // [B, n]
        var weights = logits.softmax(1).gather(1, near);
        var difference = own.unsqueeze(1) - (logits.gather(1, near) * options.Alpha);
        return scope.MoveToOuter((weights * difference).sum(1) / (weights.sum(1) + 1e-9));
    }
}
