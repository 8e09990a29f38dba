using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="ClassWeight">A weight for each class.</param>
/// <param name="PosWeight">A factor for each class on the term of its positives.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
/// <param name="AvgNonIgnore">The mean is over the pixels that count; false: over all, the ignored ones too, as MMSegmentation's losses do
/// by default.</param>
public sealed record BinaryCrossEntropyLossOptions(
    [property: MinLength(1)] double[]? ClassWeight = null,
    [property: MinLength(1)] double[]? PosWeight = null,
    int? IgnoreIndex = null,
    bool AvgNonIgnore = true
);

/// <summary>Sigmoid cross entropy of every class on its own, for multi-label targets; the mean over samples and classes.</summary>
[Component("BinaryCrossEntropyLoss")]
public sealed class BinaryCrossEntropyLoss : WeightedLoss
{
    private readonly BinaryCrossEntropyLossOptions _options;

    public BinaryCrossEntropyLoss(BinaryCrossEntropyLossOptions options)
        : base(nameof(BinaryCrossEntropyLoss))
    {
        _options = options;
        Keep("class_weight", options.ClassWeight);
        Keep("pos_weight", options.PosWeight);
    }

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var (dense, counts) = Targets.Dense(logits, targets, Targets.Ignored(_options.IgnoreIndex, logits), GetName());
        var weight = Vector("class_weight", logits.shape[1]);
        var positive = Vector("pos_weight", logits.shape[1]);
        var values = functional.binary_cross_entropy_with_logits(
            logits,
            dense,
            weight is null ? null : Targets.Along(weight, logits),
            Reduction.None,
            positive is null ? null : Targets.Along(positive, logits)
        );
        return Targets.Mean(values, counts, _options.AvgNonIgnore);
    }
}
