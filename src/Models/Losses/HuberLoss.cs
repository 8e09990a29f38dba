using Tessera.Framework.Models;
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
public sealed class HuberLoss : WeightedLoss
{
    private readonly double _delta;

    public HuberLoss(HuberLossOptions options)
        : base(nameof(HuberLoss))
    {
        _delta = options.Delta;
        Keep("target_weight", options.TargetWeight);
    }

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var truth = Targets.Values(logits, targets, GetName());
        var weight = Vector("target_weight", logits.shape[1]);
        if (weight is null)
            return functional.huber_loss(logits, truth, _delta);
        return (functional.huber_loss(logits, truth, _delta, reduction: Reduction.None) * weight).mean();
    }
}
