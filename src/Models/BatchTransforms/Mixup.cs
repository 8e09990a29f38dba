using Tessera.Framework.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.BatchTransforms;

/// <param name="Alpha">Shape of the beta distribution that the share is drawn from: small values mix little or nearly all, 1
/// evenly.</param>
/// <param name="Prob">Probability that a batch is mixed.</param>
public sealed record MixupOptions([property: Range(1e-3, 1000)] double Alpha = 0.8, [property: Range(0, 1)] double Prob = 1);

/// <summary>Blends each image, and its labels, with another one of the batch.</summary>
/// <remarks>Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2017, arXiv:1710.09412. One share for the whole batch.</remarks>
[Component("Mixup")]
public sealed class Mixup(MixupOptions options) : BatchTransform
{
    public override void Apply(Batch batch, DataInfo info, RandomSource random)
    {
        if (!random.Chance(options.Prob))
            return;
        var share = BetaDistribution.Sample(options.Alpha, random);
        var order = random.Permutation(batch.Count);

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var partner = tensor(order, dtype: ScalarType.Int64, device: batch.Images.device);
        LabelMixing.Mix(batch, info, partner, share, nameof(Mixup));
        var mixed = (batch.Images * share).add_(batch.Images.index_select(0, partner).mul_(1 - share)).DetachFromDisposeScope();
        batch.Images.Dispose();
        batch.Images = mixed;
    }
}
