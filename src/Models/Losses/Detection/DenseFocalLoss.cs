using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Detection;

/// <param name="Gamma">How much less the easy anchors count; 0: not at all.</param>
/// <param name="Alpha">Weight of the positives, the negatives having 1 - alpha.</param>
public sealed record DenseFocalLossOptions([property: Range(0, 100)] double Gamma = 2, [property: Range(0, 1)] double Alpha = 0.25);

/// <summary>Binary cross entropy of every class, in which what is already right counts less.</summary>
/// <remarks>Lin et al., "Focal Loss for Dense Object Detection", 2017, arXiv:1708.02002. As there, summed over anchors and divided by the
/// positives.</remarks>
[Component("FocalLoss")]
public sealed class DenseFocalLoss(DenseFocalLossOptions options) : ClassLoss
{
    public override Tensor Absent(Tensor logits) => Focus(logits, 1 - options.Alpha);

    public override Tensor Present(Tensor logits) => Focus(-logits, options.Alpha);

    /// <summary>-log(1 - p) · p^gamma, with p the probability of the wrong answer.</summary>
    private Tensor Focus(Tensor logits, double factor)
    {
        using var scope = NewDisposeScope();
        var entropy = functional.softplus(logits);
        if (options.Gamma == 0)
            return scope.MoveToOuter(entropy * factor);
        var p = logits.sigmoid();
        var modulation = options.Gamma == 2 ? p.square() : FocalTerm.Modulation(p, options.Gamma);
        return scope.MoveToOuter(modulation * entropy * factor);
    }
}
