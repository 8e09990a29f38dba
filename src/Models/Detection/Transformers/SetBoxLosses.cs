using Tessera.Models.Losses.Detection;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Transformers;

/// <summary>Boxes as centre and sides, relative to the image.</summary>
internal static class RelativeBoxes
{
    private const double Pixels = 1024; // in which the guard of the IoU against a division by 0 is small

    /// <param name="boxes">[…, 4], centre x, centre y, width, height.</param>
    /// <returns>[…, 4], x1, y1, x2, y2.</returns>
    public static Tensor ToCorners(Tensor boxes)
    {
        using var scope = NewDisposeScope();
        var (centres, halves) = (boxes.narrow(-1, 0, 2), boxes.narrow(-1, 2, 2) / 2);
        return scope.MoveToOuter(cat([centres - halves, centres + halves], -1));
    }

    /// <summary>Boxes [N, 4] against each other, one by one; overlaps don't depend on the unit.</summary>
    public static BoxPairs Pairs(Tensor a, Tensor b) => new(ToCorners(a) * Pixels, ToCorners(b) * Pixels);

    /// <summary>The inverse of the sigmoid, bounded: ln(x / (1 - x)), either part no less than 1e-5.</summary>
    public static Tensor InverseSigmoid(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = x.clamp(0, 1);
        return scope.MoveToOuter(x.clamp_min(1e-5).log() - (1 - x).clamp_min(1e-5).log());
    }
}

/// <summary>How far the boxes of matched queries are from those they are to find.</summary>
internal static class SetBoxLosses
{
    /// <param name="boxes">[B, Q, 4], centre and sides, relative.</param>
    /// <param name="count">Over which the sums are averaged.</param>
    /// <returns>Two scalars, weights applied; 0 (with a gradient) for no pairs.</returns>
    public static (Tensor L1, Tensor Giou) Of(Tensor boxes, QueryPairs pairs, double count, SetLossWeights weights)
    {
        using var scope = NewDisposeScope();
        var found = pairs.Select(boxes.to(ScalarType.Float32));
        var truth = pairs.TruthBoxes(boxes.device);
        var l1 = (found - truth).abs().sum() * (weights.L1 / count);
        var giou = (1 - RelativeBoxes.Pairs(found, truth).GeneralizedIou()).sum() * (weights.Giou / count);
        scope.MoveToOuter(l1, giou);
        return (l1, giou);
    }
}
