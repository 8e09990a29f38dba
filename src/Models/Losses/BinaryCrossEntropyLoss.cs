using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="ClassWeight">A weight for each class, or a rule that makes them of the training data.</param>
/// <param name="PosWeight">A factor for each class on the term of its positives.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
/// <param name="AvgNonIgnore">The mean is over the pixels that count; false: over all, the ignored ones too, as MMSegmentation's losses do
/// by default.</param>
public sealed record BinaryCrossEntropyLossOptions(
    ClassWeight? ClassWeight = null,
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

    public override ClassActivation Activation => ClassActivation.Sigmoid;

    /// <summary>Where no class has a weight of its own.</summary>
    public override IEnumerable<TellingLoss> Standstills(int classes)
    {
        if (_options.ClassWeight is not null || _options.PosWeight is not null || Weight <= 0)
            yield break;
        yield return new TellingLoss(
            Weight * Math.Log(2),
            "That is ln 2, binary cross entropy where every class has a probability of one half: the model says nothing of any "
                + "image. Is the learning rate far too small or too large, is all of the model frozen, or do its outputs not depend on "
                + "the image?"
        );
        if (classes > 1)
            yield return new TellingLoss(
                Weight * ProbabilityLook.Least(ClassActivation.Sigmoid, classes),
                $"That is the least that binary cross entropy can reach where a softmax comes before it, with {classes} classes of "
                    + $"which one is true: the loss applies a sigmoid itself. Leave the softmax out of the model."
            );
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
