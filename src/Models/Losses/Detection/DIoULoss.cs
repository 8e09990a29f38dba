using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>1 less the IoU, plus the centres' distance.</summary>
/// <remarks>Zheng et al., "Distance-IoU Loss", 2019, arXiv:1911.08287.</remarks>
[Component("DIoULoss")]
public sealed class DIoULoss : BoxLoss
{
    public override bool OnBoxes => true;

    protected override Tensor PerBox(Tensor predicted, Tensor truth)
    {
        var pairs = new BoxPairs(predicted, truth);
        return 1 - pairs.Iou + pairs.Distance();
    }
}
