using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="Beta">Where the square becomes a line.</param>
/// <param name="TargetWeight">A weight for each target.</param>
public sealed record SmoothL1LossOptions(
    [property: Range(1e-6, 1e6)] double Beta = 1,
    [property: MinLength(1)] double[]? TargetWeight = null
);

/// <summary>Absolute difference, rounded off near 0: ½ d² / beta for |d| ≤ beta, else |d| - ½ beta.</summary>
/// <remarks>Girshick, "Fast R-CNN", 2015, arXiv:1504.08083.</remarks>
[Component("SmoothL1Loss")]
public sealed class SmoothL1Loss : WeightedLoss
{
    private readonly double _beta;

    public SmoothL1Loss(SmoothL1LossOptions options)
        : base(nameof(SmoothL1Loss))
    {
        _beta = options.Beta;
        Keep("target_weight", options.TargetWeight);
    }

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var truth = Targets.Values(logits, targets, GetName());
        var weight = Vector("target_weight", logits.shape[1]);
        if (weight is null)
            return functional.smooth_l1_loss(logits, truth, beta: _beta);
        return (functional.smooth_l1_loss(logits, truth, beta: _beta, reduction: Reduction.None) * weight).mean();
    }
}
