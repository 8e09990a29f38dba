using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>1 less the generalised IoU: boxes apart are drawn together, too.</summary>
/// <remarks>Rezatofighi et al., "Generalized Intersection over Union", 2019, arXiv:1902.09630.</remarks>
[Component("GIoULoss")]
public sealed class GIoULoss : BoxLoss
{
    public override bool OnBoxes => true;

    protected override Tensor PerBox(Tensor predicted, Tensor truth)
    {
        var pairs = new BoxPairs(predicted, truth);
        return 1 - pairs.GeneralizedIou();
    }
}
