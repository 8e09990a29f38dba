using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="Gamma">How much less the easy examples count; 0: not at all.</param>
/// <param name="UseSigmoid">Every class on its own (multi-label, detection) instead of a softmax over them.</param>
/// <param name="Alpha">With use_sigmoid: weight of the positives, the negatives having 1 - alpha.</param>
/// <param name="ClassWeight">A weight for each class, or a rule that makes them of the training data.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
/// <param name="AvgNonIgnore">The mean is over the pixels that count; false: over all, the ignored ones too, as MMSegmentation's losses do
/// by default.</param>
public sealed record FocalLossOptions(
    [property: Range(0, 100)] double Gamma = 2,
    bool UseSigmoid = false,
    [property: Range(0, 1)] double? Alpha = null,
    ClassWeight? ClassWeight = null,
    int? IgnoreIndex = null,
    bool AvgNonIgnore = true
);

/// <summary>Cross entropy in which what is already right counts less.</summary>
/// <remarks>
/// Lin et al., "Focal Loss for Dense Object Detection", 2017, arXiv:1708.02002: (1 - p)^gamma · -log p, with p the
/// probability of the truth. The mean is that of the cross entropy it extends, not the paper's sum over anchors.
/// </remarks>
[Component("FocalLoss")]
public sealed class FocalLoss : WeightedLoss
{
    private readonly FocalLossOptions _options;

    public FocalLoss(FocalLossOptions options)
        : base(nameof(FocalLoss))
    {
        if (options is { Alpha: not null, UseSigmoid: false })
            throw new UserErrorException("FocalLoss: alpha belongs to use_sigmoid: true; with a softmax, take class_weight.");
        _options = options;
        Keep("class_weight", options.ClassWeight);
    }

    public override ClassActivation Activation => _options.UseSigmoid ? ClassActivation.Sigmoid : ClassActivation.Softmax;

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var weight = Vector("class_weight", logits.shape[1]);
        var ignored = Targets.Ignored(_options.IgnoreIndex, logits);
        if (_options.UseSigmoid)
            return Sigmoid(logits, targets, ignored, weight);
        return targets.SoftLabels is { } soft
            ? Soft(logits, soft, weight)
            : Hard(logits, targets.Labels ?? throw Targets.NoLabels(GetName()), ignored, weight);
    }

    private Tensor Hard(Tensor logits, Tensor labels, long ignored, Tensor? weight)
    {
        var entropy = functional.cross_entropy(logits, labels, ignore_index: ignored, reduction: Reduction.None);
        var weights = Targets.WeightOf(labels, ignored, weight);
        return (Modulation(1 - exp(-entropy)) * entropy * weights).sum()
            / (_options.AvgNonIgnore ? weights.sum() : Targets.WithIgnored(weights, labels, ignored)).clamp_min(1e-6);
    }

    private Tensor Soft(Tensor logits, Tensor soft, Tensor? weight)
    {
        var log = logits.log_softmax(1);
        var terms = -soft * Modulation(1 - log.exp()) * log; // [B, classes]
        if (weight is not null)
            terms = terms * Targets.Along(weight, logits);
        return terms.sum(1).mean();
    }

    private Tensor Sigmoid(Tensor logits, LossTargets targets, long ignored, Tensor? weight)
    {
        var (dense, counts) = Targets.Dense(logits, targets, ignored, GetName());
        var entropy = functional.binary_cross_entropy_with_logits(logits, dense, reduction: Reduction.None);
        var p = logits.sigmoid();
        var values = Modulation(p + dense - 2 * p * dense) * entropy; // 1 - p of the truth
        if (_options.Alpha is { } alpha)
            values = values * (dense * alpha + (1 - dense) * (1 - alpha));
        if (weight is not null)
            values = values * Targets.Along(weight, logits);
        return Targets.Mean(values, counts, _options.AvgNonIgnore);
    }

    private Tensor Modulation(Tensor missing) => FocalTerm.Modulation(missing, _options.Gamma);
}
