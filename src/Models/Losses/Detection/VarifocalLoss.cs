using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Detection;

/// <param name="Alpha">Weight of the scores that are to be 0.</param>
/// <param name="Gamma">How much less those of them count that are low already; 0: not at all.</param>
/// <param name="IouWeighted">A score that is to be above 0 counts as much as its target; otherwise wholly.</param>
public sealed record VarifocalLossOptions(
    [property: Range(0, 100)] double Alpha = 0.75,
    [property: Range(0, 100)] double Gamma = 2,
    bool IouWeighted = true
);

/// <summary>Binary cross entropy of every class, whose target where the class is there is how good the box is; only what is to be 0 counts
/// less the nearer it is.</summary>
/// <remarks>Zhang et al., "VarifocalNet", 2020, arXiv:2008.13367, equation 2. A class that is there with a box of quality 0 counts as one
/// that isn't; where a head tells no quality, it is 1.</remarks>
[Component("VarifocalLoss")]
public sealed class VarifocalLoss(VarifocalLossOptions options) : ClassLoss
{
    public override bool TakesQuality => true;

    public override Tensor Absent(Tensor logits)
    {
        using var scope = NewDisposeScope();
        var entropy = functional.softplus(logits) * options.Alpha;
        if (options.Gamma == 0)
            return scope.MoveToOuter(entropy);
        var p = logits.sigmoid();
        return scope.MoveToOuter(entropy * (options.Gamma == 2 ? p.square() : FocalTerm.Modulation(p, options.Gamma)));
    }

    public override Tensor Present(Tensor logits) => functional.softplus(-logits);

    public override Tensor Present(Tensor logits, Tensor quality)
    {
        using var scope = NewDisposeScope();
        var entropy = functional.softplus(logits) - (quality * logits);
        return scope.MoveToOuter(where(quality.gt(0), options.IouWeighted ? entropy * quality : entropy, Absent(logits)));
    }
}
