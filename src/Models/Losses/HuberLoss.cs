using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="Delta">Where the square becomes a line.</param>
/// <param name="TargetWeight">A weight for each target.</param>
public sealed record HuberLossOptions(
    [property: Range(1e-6, 1e6)] double Delta = 1,
    [property: MinLength(1)] double[]? TargetWeight = null
);

/// <summary>Squared difference where it is small, absolute where it is large: ½ d² for |d| ≤ delta, else delta · (|d| - ½ delta).</summary>
/// <remarks>Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 35, 1964.</remarks>
[Component("HuberLoss")]
public sealed class HuberLoss(HuberLossOptions options) : RegressionLoss(nameof(HuberLoss), options.TargetWeight)
{
    protected override Tensor Distance(Tensor predicted, Tensor truth, Reduction reduction) =>
        functional.huber_loss(predicted, truth, options.Delta, reduction: reduction);
}
