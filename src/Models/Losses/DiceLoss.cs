using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <param name="Smooth">Added to both sides of the quotient.</param>
/// <param name="Squared">Probabilities are squared in the denominator, as in the paper.</param>
/// <param name="ClassWeight">A weight for each class, or a rule that makes them of the training data in the mean.</param>
/// <param name="Classes">Which classes the mean is over.</param>
/// <param name="PerImage">Overlaps of each image, then their mean, instead of overlaps over the batch.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
public sealed record DiceLossOptions(
    [property: Range(0, 1e6)] double Smooth = 1,
    bool Squared = true,
    ClassWeight? ClassWeight = null,
    ClassChoice Classes = ClassChoice.All,
    bool PerImage = false,
    int? IgnoreIndex = null
);

/// <summary>One minus the Dice coefficient of every class, by softmax probabilities.</summary>
/// <remarks>Milletari et al., "V-Net", 2016, arXiv:1606.04797: 1 - (2 Σ p y + smooth) / (Σ p² + Σ y² + smooth).</remarks>
[Component("DiceLoss")]
public sealed class DiceLoss(DiceLossOptions options)
    : RegionLoss(nameof(DiceLoss), options.ClassWeight, options.Classes, options.PerImage, options.IgnoreIndex)
{
    protected override bool Squared => options.Squared;

    protected override Tensor Of(Tensor both, Tensor predicted, Tensor truth) =>
        1 - Quotient((2 * both) + options.Smooth, predicted + truth + options.Smooth);
}
