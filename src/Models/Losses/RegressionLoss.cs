using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <summary>What losses of numbers share: the mean over samples and targets of a distance, each target with its weight.</summary>
public abstract class RegressionLoss : WeightedLoss
{
    /// <param name="targetWeight">[targets]; null: 1.</param>
    protected RegressionLoss(string name, double[]? targetWeight)
        : base(name) => Keep("target_weight", targetWeight);

    protected sealed override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var truth = Targets.Values(logits, targets, GetName());
        return Vector("target_weight", logits.shape[1]) is { } weight
            ? (Distance(logits, truth, Reduction.None) * weight).mean()
            : Distance(logits, truth, Reduction.Mean);
    }

    /// <param name="predicted">[B, targets].</param>
    /// <param name="truth">[B, targets].</param>
    /// <returns>[B, targets], or its mean.</returns>
    protected abstract Tensor Distance(Tensor predicted, Tensor truth, Reduction reduction);
}
