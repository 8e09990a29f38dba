using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>How an IoU becomes a loss.</summary>
public enum IoULossMode
{
    /// <summary>-log IoU.</summary>
    Log,

    /// <summary>1 - IoU.</summary>
    Linear,

    /// <summary>1 - IoU².</summary>
    Square,
}

/// <param name="Mode">log: -log IoU; linear: 1 - IoU; square: 1 - IoU².</param>
/// <param name="Eps">With log: an IoU below it counts as this much.</param>
public sealed record IoULossOptions(IoULossMode Mode = IoULossMode.Log, [property: Range(1e-12, 0.1)] double Eps = 1e-6);

/// <summary>Boxes by their overlap alone.</summary>
/// <remarks>Yu et al., "UnitBox", 2016, arXiv:1608.01471.</remarks>
[Component("IoULoss")]
public sealed class IoULoss(IoULossOptions options) : BoxLoss
{
    public override bool OnBoxes => true;

    protected override Tensor PerBox(Tensor predicted, Tensor truth)
    {
        var iou = new BoxPairs(predicted, truth).Iou;
        return options.Mode switch
        {
            IoULossMode.Log => -iou.clamp_min(options.Eps).log(),
            IoULossMode.Linear => 1 - iou,
            _ => 1 - iou.square(),
        };
    }
}
