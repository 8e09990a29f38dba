using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <param name="Thresh">A pixel is hard if the probability of its truth is below this; unset: only the min_kept hardest.</param>
/// <param name="MinKept">Pixels of the batch that are kept at least, the hardest ones.</param>
/// <param name="PerImage">min_kept counts for each image of the batch, as in MMSegmentation, not for the batch, as in openseg.</param>
/// <param name="ClassWeight">A weight for each class, or a rule that makes them of the training data; the mean is over the weights of
/// the labels.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
/// <param name="AvgNonIgnore">The mean is over the pixels that are kept; false: over all, the easy and the ignored ones too, as
/// MMSegmentation has it by default.</param>
/// <param name="AvgKept">With avg_non_ignore, false: the mean is over all pixels that are not ignored, the easy ones too, as MMSegmentation
/// has it with its avg_non_ignore. By default only those that are kept count.</param>
public sealed record OhemCrossEntropyLossOptions(
    [property: Range(0, 1)] double? Thresh = 0.7,
    [property: Range(1, int.MaxValue)] int MinKept = 100_000,
    bool PerImage = false,
    ClassWeight? ClassWeight = null,
    int? IgnoreIndex = null,
    bool AvgNonIgnore = true,
    bool? AvgKept = null
);

/// <summary>Cross entropy over the hard pixels of the batch alone.</summary>
/// <remarks>
/// Shrivastava et al., "Training Region-based Object Detectors with Online Hard Example Mining", 2016, arXiv:1604.03540,
/// for pixels as openseg and MMSegmentation have it. Where there are fewer valid pixels than min_kept, all of them are
/// kept; the mean is over the pixels that are kept, as openseg has it, unless avg_non_ignore or avg_kept is
/// false.
/// </remarks>
[Component("OhemCrossEntropyLoss")]
public sealed class OhemCrossEntropyLoss : WeightedLoss
{
    private readonly OhemCrossEntropyLossOptions _options;

    public OhemCrossEntropyLoss(OhemCrossEntropyLossOptions options)
        : base(nameof(OhemCrossEntropyLoss))
    {
        if (options is { AvgKept: true, AvgNonIgnore: false })
            throw new UserErrorException(
                "OhemCrossEntropyLoss: with avg_non_ignore false the mean is over all pixels; avg_kept true contradicts it."
            );
        _options = options;
        Keep("class_weight", options.ClassWeight);
    }

    public override ClassActivation Activation => ClassActivation.Softmax;

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var labels = targets.Labels ?? throw Targets.NoLabels(GetName());
        var ignored = Targets.Ignored(_options.IgnoreIndex, logits);
        var entropy = functional.cross_entropy(logits, labels, ignore_index: ignored, reduction: Reduction.None);
        var weights = Targets.WeightOf(labels, ignored, Vector("class_weight", logits.shape[1]));
        var kept = weights * Hard(entropy.detach(), labels.ne(ignored));
        var counted =
            !_options.AvgNonIgnore ? Targets.WithIgnored(weights, labels, ignored)
            : _options.AvgKept == false ? weights.sum()
            : kept.sum();
        return (entropy * kept).sum() / counted.clamp_min(1e-6);
    }

    /// <param name="entropy">Minus the log of the truth's probability.</param>
    private Tensor Hard(Tensor entropy, Tensor valid)
    {
        var least = Math.Min((long)_options.MinKept * (_options.PerImage ? entropy.shape[0] : 1), entropy.numel());
        var hard = _options.Thresh is { } thresh ? valid & entropy.gt(-Math.Log(Math.Max(thresh, double.Epsilon))) : zeros_like(valid);
        if (_options.Thresh is not null && hard.sum().ToInt64() >= least)
            return hard;
        var values = entropy.where(valid, full_like(entropy, -1)); // below every entropy
        return valid & values.ge(values.flatten().kthvalue(values.numel() - least + 1, 0).values);
    }
}
