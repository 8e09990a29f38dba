using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>Cross entropy against the two whole numbers around the truth, each by how near it is.</summary>
/// <remarks>Li et al., "Generalized Focal Loss", 2020, arXiv:2006.04388, equation 6.</remarks>
[Component("DistributionFocalLoss")]
public sealed class DistributionFocalLoss : DistributionLoss
{
    protected override Tensor PerNumber(Tensor logits, Tensor truth)
    {
        var below = truth.to(ScalarType.Int64); // [N], rounded down
        var places = below.unsqueeze(1);
        var entropy = -logits.log_softmax(1); // [N, n + 1]
        var above = truth - below;
        return (entropy.gather(1, places).squeeze(1) * (1 - above)) + (entropy.gather(1, places + 1).squeeze(1) * above);
    }
}
