using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>How wrong the class logits of anchors are, each class on its own. A head sums it over all logits as if all were background,
/// then puts the few others right.</summary>
[ComponentKind("class loss")]
public abstract class ClassLoss
{
    /// <summary>Factor of the term in the sum.</summary>
    [FromConfig, Range(0, double.MaxValue)]
    public double Weight { get; set; } = 1;

    /// <summary>The loss of each logit where the class is not there; weight not applied.</summary>
    /// <returns>In the logits' shape.</returns>
    public abstract Tensor Absent(Tensor logits);

    /// <summary>The loss of each logit where the class is there; weight not applied.</summary>
    /// <returns>In the logits' shape.</returns>
    public abstract Tensor Present(Tensor logits);
}
