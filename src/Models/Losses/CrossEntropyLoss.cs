using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="ClassWeight">A weight for each class, or a rule that makes them of the training data; the mean is over the weights of
/// the labels.</param>
/// <param name="LabelSmoothing">Share of the target that is spread evenly over all classes.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
/// <param name="AvgNonIgnore">The mean is over the pixels that count; false: over all, the ignored ones too, as MMSegmentation's losses do
/// by default.</param>
public sealed record CrossEntropyLossOptions(
    ClassWeight? ClassWeight = null,
    [property: Range(0, 1)] double LabelSmoothing = 0,
    int? IgnoreIndex = null,
    bool AvgNonIgnore = true
);

/// <summary>Softmax cross entropy, with hard or soft labels.</summary>
/// <remarks>Label smoothing: Szegedy et al., "Rethinking the Inception Architecture", 2015, arXiv:1512.00567.</remarks>
[Component("CrossEntropyLoss")]
public sealed class CrossEntropyLoss : WeightedLoss
{
    private readonly CrossEntropyLossOptions _options;

    public CrossEntropyLoss(CrossEntropyLossOptions options)
        : base(nameof(CrossEntropyLoss))
    {
        _options = options;
        Keep("class_weight", options.ClassWeight);
    }

    public override ClassActivation Activation => ClassActivation.Softmax;

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var weight = Vector("class_weight", logits.shape[1]);
        if (targets.SoftLabels is { } soft)
            return functional.cross_entropy(logits, soft, weight, label_smoothing: _options.LabelSmoothing);
        var labels = targets.Labels ?? throw Targets.NoLabels(GetName());
        var ignored = Targets.Ignored(_options.IgnoreIndex, logits);
        if (logits.dim() == 2 && _options.AvgNonIgnore)
            return functional.cross_entropy(logits, labels, weight, ignored, label_smoothing: _options.LabelSmoothing);
        // A crop may be ignored altogether; the mean of nothing is to be 0, not NaN.
        var sum = functional.cross_entropy(logits, labels, weight, ignored, Reduction.Sum, _options.LabelSmoothing);
        var weights = Targets.WeightOf(labels, ignored, weight);
        return sum / (_options.AvgNonIgnore ? weights.sum() : Targets.WithIgnored(weights, labels, ignored)).clamp_min(1e-6);
    }
}
