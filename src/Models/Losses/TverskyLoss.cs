using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <param name="Alpha">Weight of false positives.</param>
/// <param name="Beta">Weight of false negatives; above alpha it favours recall.</param>
/// <param name="Gamma">Exponent of one minus the index; below 1 classes that overlap well already count more (the focal paper's 4/3 is 0.75
/// here).</param>
/// <param name="Smooth">Added to both sides of the quotient.</param>
/// <param name="ClassWeight">A weight for each class, or a rule that makes them of the training data in the mean.</param>
/// <param name="Classes">Which classes the mean is over.</param>
/// <param name="PerImage">Overlaps of each image, then their mean, instead of overlaps over the batch.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
public sealed record TverskyLossOptions(
    [property: Range(0, 1e6)] double Alpha = 0.3,
    [property: Range(0, 1e6)] double Beta = 0.7,
    [property: Range(0.01, 100)] double Gamma = 1,
    [property: Range(0, 1e6)] double Smooth = 1,
    ClassWeight? ClassWeight = null,
    ClassChoice Classes = ClassChoice.All,
    bool PerImage = false,
    int? IgnoreIndex = null
);

/// <summary>One minus the Tversky index of every class: overlap with false positives and negatives weighted apart.</summary>
/// <remarks>
/// Salehi et al., "Tversky loss function for image segmentation using 3D fully convolutional deep networks", 2017,
/// arXiv:1706.05721. Gamma: Abraham and Khan, "A Novel Focal Tversky loss function …", 2018, arXiv:1810.07842.
/// </remarks>
[Component("TverskyLoss")]
public sealed class TverskyLoss(TverskyLossOptions options)
    : RegionLoss(nameof(TverskyLoss), options.ClassWeight, options.Classes, options.PerImage, options.IgnoreIndex)
{
    private const double Smallest = 1e-8; // the power's derivative is infinite at 0 for gamma below 1

    protected override Tensor Of(Tensor both, Tensor predicted, Tensor truth)
    {
        var index = Quotient(
            both + options.Smooth,
            both + (options.Alpha * (predicted - both)) + (options.Beta * (truth - both)) + options.Smooth
        );
        return options.Gamma == 1 ? 1 - index : (1 - index).clamp_min(Smallest).pow(options.Gamma);
    }
}
