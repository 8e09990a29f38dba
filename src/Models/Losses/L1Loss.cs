using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="TargetWeight">A weight for each target.</param>
public sealed record L1LossOptions([property: MinLength(1)] double[]? TargetWeight = null);

/// <summary>Absolute difference, for regression; the mean over samples and targets.</summary>
/// <remarks>The mean absolute error, the maximum-likelihood loss under Laplace noise.</remarks>
[Component("L1Loss")]
public sealed class L1Loss : WeightedLoss
{
    public L1Loss(L1LossOptions options)
        : base(nameof(L1Loss))
    {
        Keep("target_weight", options.TargetWeight);
    }

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var truth = Targets.Values(logits, targets, GetName());
        var weight = Vector("target_weight", logits.shape[1]);
        if (weight is null)
            return functional.l1_loss(logits, truth);
        return (functional.l1_loss(logits, truth, reduction: Reduction.None) * weight).mean();
    }
}
