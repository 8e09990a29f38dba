using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Detection;

/// <param name="Beta">How much less a score counts that is near its target; 0: not at all.</param>
public sealed record QualityFocalLossOptions([property: Range(0, 100)] double Beta = 2);

/// <summary>Binary cross entropy of every class, whose target where the class is there is how good the box is; what is near its target
/// counts less.</summary>
/// <remarks>Li et al., "Generalized Focal Loss", 2020, arXiv:2006.04388, equation 5. Where a head tells no quality, it is 1.</remarks>
[Component("QualityFocalLoss")]
public sealed class QualityFocalLoss(QualityFocalLossOptions options) : ClassLoss
{
    public override bool TakesQuality => true;

    public override Tensor Absent(Tensor logits)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(functional.softplus(logits) * Distance(logits.sigmoid()));
    }

    public override Tensor Present(Tensor logits)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(functional.softplus(-logits) * Distance((-logits).sigmoid()));
    }

    public override Tensor Present(Tensor logits, Tensor quality)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter((functional.softplus(logits) - (quality * logits)) * Distance((quality - logits.sigmoid()).abs()));
    }

    private Tensor Distance(Tensor difference) =>
        options.Beta == 0 ? ones_like(difference)
        : options.Beta == 2 ? difference.square()
        : FocalTerm.Modulation(difference, options.Beta);
}
