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
public sealed class SmoothL1Loss(SmoothL1LossOptions options) : RegressionLoss(nameof(SmoothL1Loss), options.TargetWeight)
{
    protected override Tensor Distance(Tensor predicted, Tensor truth, Reduction reduction) =>
        functional.smooth_l1_loss(predicted, truth, beta: options.Beta, reduction: reduction);
}
