using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="TargetWeight">A weight for each target.</param>
public sealed record MseLossOptions([property: MinLength(1)] double[]? TargetWeight = null);

/// <summary>Squared difference, for regression; the mean over samples and targets.</summary>
/// <remarks>The mean squared error, the maximum-likelihood loss under normal noise.</remarks>
[Component("MseLoss")]
public sealed class MseLoss : WeightedLoss
{
    public MseLoss(MseLossOptions options)
        : base(nameof(MseLoss))
    {
        Keep("target_weight", options.TargetWeight);
    }

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var truth = Targets.Values(logits, targets, GetName());
        var weight = Vector("target_weight", logits.shape[1]);
        if (weight is null)
            return functional.mse_loss(logits, truth);
        return (functional.mse_loss(logits, truth, reduction: Reduction.None) * weight).mean();
    }
}
