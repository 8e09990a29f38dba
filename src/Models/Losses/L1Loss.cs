using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="TargetWeight">A weight for each target.</param>
public sealed record L1LossOptions([property: MinLength(1)] double[]? TargetWeight = null);

/// <summary>Absolute difference, for regression; the mean over samples and targets.</summary>
/// <remarks>The mean absolute error, the maximum-likelihood loss under Laplace noise.</remarks>
[Component("L1Loss")]
public sealed class L1Loss(L1LossOptions options) : RegressionLoss(nameof(L1Loss), options.TargetWeight)
{
    protected override Tensor Distance(Tensor predicted, Tensor truth, Reduction reduction) =>
        functional.l1_loss(predicted, truth, reduction: reduction);
}
