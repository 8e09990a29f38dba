using Tessera.Framework.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.BatchTransforms;

/// <param name="Alpha">Shape of the beta distribution that the share kept is drawn from.</param>
/// <param name="Prob">Probability that a batch is mixed.</param>
public sealed record CutMixOptions([property: Range(1e-3, 1000)] double Alpha = 1, [property: Range(0, 1)] double Prob = 1);

/// <summary>Pastes a box of another image of the batch into each image; labels mix by area.</summary>
/// <remarks>Yun et al., "CutMix", 2019, arXiv:1905.04899. One box for the whole batch; the share is the area that was really
/// kept.</remarks>
[Component("CutMix")]
public sealed class CutMix(CutMixOptions options) : BatchTransform
{
    public override void Apply(Batch batch, DataInfo info, RandomSource random)
    {
        if (!random.Chance(options.Prob))
            return;
        var share = BetaDistribution.Sample(options.Alpha, random);
        var order = random.Permutation(batch.Count);
        var (height, width) = ((int)batch.Images.shape[2], (int)batch.Images.shape[3]);
        var (top, rows) = Cut(height, share, random);
        var (left, columns) = Cut(width, share, random);
        share = 1 - ((double)rows * columns / ((double)height * width));

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var partner = tensor(order, dtype: ScalarType.Int64, device: batch.Images.device);
        LabelMixing.Mix(batch, info, partner, share, nameof(CutMix));
        if (rows == 0 || columns == 0)
            return;
        // a copy, before anything is overwritten
        var pasted = batch.Images.narrow(2, top, rows).narrow(3, left, columns).index_select(0, partner);
        batch.Images.narrow(2, top, rows).narrow(3, left, columns).copy_(pasted);
    }

    // A stretch of √(1 - share) of the side around a uniform centre, cut off at the borders.
    private static (int Start, int Length) Cut(int side, double share, RandomSource random)
    {
        var length = (int)(side * Math.Sqrt(1 - share));
        var centre = random.Next(side);
        var start = Math.Max(0, centre - (length / 2));
        return (start, Math.Min(side, centre - (length / 2) + length) - start);
    }
}
