using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Detection;

/// <param name="Beta">Where the square becomes a line.</param>
public sealed record BoxSmoothL1LossOptions([property: Range(1e-6, 1e6)] double Beta = 1.0 / 9);

/// <summary>Absolute difference of the box coder's numbers, rounded off near 0.</summary>
/// <remarks>Girshick, "Fast R-CNN", 2015, arXiv:1504.08083.</remarks>
[Component("SmoothL1Loss")]
public sealed class BoxSmoothL1Loss(BoxSmoothL1LossOptions options) : BoxLoss
{
    public override bool OnBoxes => false;

    protected override Tensor PerBox(Tensor predicted, Tensor truth) =>
        functional.smooth_l1_loss(predicted, truth, beta: options.Beta, reduction: Reduction.None).sum([1]);
}
