using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="TargetWeight">A weight for each target.</param>
public sealed record MseLossOptions([property: MinLength(1)] double[]? TargetWeight = null);

/// <summary>Squared difference, for regression; the mean over samples and targets.</summary>
/// <remarks>The mean squared error, the maximum-likelihood loss under normal noise.</remarks>
[Component("MseLoss")]
public sealed class MseLoss(MseLossOptions options) : RegressionLoss(nameof(MseLoss), options.TargetWeight)
{
    protected override Tensor Distance(Tensor predicted, Tensor truth, Reduction reduction) =>
        functional.mse_loss(predicted, truth, reduction: reduction);
}
