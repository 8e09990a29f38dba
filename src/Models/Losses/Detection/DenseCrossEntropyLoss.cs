using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Detection;

/// <summary>Binary cross entropy of every class.</summary>
/// <remarks>Ren et al., "Faster R-CNN", 2015, arXiv:1506.01497, equation 1; MMDetection's CrossEntropyLoss with use_sigmoid.</remarks>
[Component("CrossEntropyLoss")]
public sealed class DenseCrossEntropyLoss : ClassLoss
{
    public override Tensor Absent(Tensor logits) => functional.softplus(logits);

    public override Tensor Present(Tensor logits) => functional.softplus(-logits);

    public override bool TakesQuality => true;

    public override Tensor Present(Tensor logits, Tensor quality) => functional.softplus(logits) - (quality * logits);
}
