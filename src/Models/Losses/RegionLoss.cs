using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <summary>A loss of how far the predicted region of a class overlaps with the true one: a mean over classes.</summary>
public abstract class RegionLoss : WeightedLoss
{
    private const double Smallest = 1e-12;

    private readonly ClassChoice _classes;
    private readonly bool _perImage;
    private readonly int? _ignoreIndex;

    /// <param name="classes">Which classes count.</param>
    /// <param name="perImage">A region is that of an image, not of the whole batch.</param>
    protected RegionLoss(string name, ClassWeight? classWeight, ClassChoice classes, bool perImage, int? ignoreIndex)
        : base(name)
    {
        (_classes, _perImage, _ignoreIndex) = (classes, perImage, ignoreIndex);
        Keep("class_weight", classWeight);
    }

    /// <summary>Whether probabilities enter the predicted region squared.</summary>
    protected virtual bool Squared => false;

    /// <summary>The loss of each region, in the shape of the arguments: float64, [images or 1, classes].</summary>
    /// <param name="both">The sum of p over the pixels of the class.</param>
    /// <param name="predicted">The sum of p (or p²) over all pixels.</param>
    /// <param name="truth">Pixels of the class.</param>
    protected abstract Tensor Of(Tensor both, Tensor predicted, Tensor truth);

    /// <summary>A quotient that is 0 where both sides are.</summary>
    protected static Tensor Quotient(Tensor part, Tensor whole) => part / whole.clamp_min(Smallest);

    protected sealed override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var classes = logits.shape[1];
        var weight = Vector("class_weight", classes);
        var (valid, labels) = PixelLabels.Of(targets.Labels ?? throw Targets.NoLabels(GetName()), Targets.Ignored(_ignoreIndex, logits));
        var p = logits.reshape(logits.shape[0], classes, -1).softmax(1); // [B, classes, N]
        var groups = _perImage ? logits.shape[0] : 1;
        var slots = _perImage ? labels + (arange(groups, dtype: ScalarType.Int64, device: labels.device) * classes).unsqueeze(1) : labels;

        Tensor ByClass(Tensor values) =>
            zeros(groups * classes, ScalarType.Float64, logits.device)
                .index_add(0, slots.flatten(), values.flatten().to(ScalarType.Float64), 1)
                .view(groups, classes);

        var both = ByClass(p.gather(1, labels.unsqueeze(1)).squeeze(1) * valid);
        var truth = ByClass(valid);
        var summed = ((Squared ? p * p : p) * valid.unsqueeze(1))
            .sum(_perImage ? [2] : [0, 2], type: ScalarType.Float64)
            .view(groups, classes);

        var counts = (_classes == ClassChoice.Present ? truth : truth.sum([1], keepdim: true).expand_as(truth))
            .gt(0)
            .to(ScalarType.Float64);
        if (weight is not null)
            counts = counts * weight;
        return ((Of(both, summed, truth) * counts).sum() / counts.sum().clamp_min(Smallest)).to(ScalarType.Float32);
    }
}
