using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>1 less the IoU, plus the centres' distance, plus the difference of the ratios of width to height.</summary>
/// <remarks>Zheng et al., "Distance-IoU Loss", 2019, arXiv:1911.08287, section 3.3.</remarks>
[Component("CIoULoss")]
public sealed class CIoULoss : BoxLoss
{
    public override bool OnBoxes => true;

    protected override Tensor PerBox(Tensor predicted, Tensor truth)
    {
        var pairs = new BoxPairs(predicted, truth);
        var (difference, weight) = pairs.Aspect();
        return 1 - pairs.Iou + pairs.Distance() + weight * difference;
    }
}
