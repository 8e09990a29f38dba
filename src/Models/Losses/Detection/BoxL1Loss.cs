using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>Absolute difference of the box coder's numbers.</summary>
/// <remarks>The maximum-likelihood loss under Laplace noise; MMDetection's and torchvision's choice for RetinaNet.</remarks>
[Component("L1Loss")]
public sealed class BoxL1Loss : BoxLoss
{
    public override bool OnBoxes => false;

    protected override Tensor PerBox(Tensor predicted, Tensor truth) => (predicted - truth).abs().sum([1]);
}
