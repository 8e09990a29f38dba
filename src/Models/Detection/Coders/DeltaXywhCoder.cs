using static TorchSharp.torch;

namespace Tessera.Models.Detection.Coders;

/// <param name="TargetMeans">Subtracted from the four numbers. 0 by default.</param>
/// <param name="TargetStds">The four numbers are divided by it. 1 by default.</param>
/// <param name="WhRatioClip">The logarithm of a size is at most -log of this. 16 / 1000 by default.</param>
public sealed record DeltaXywhCoderOptions(
    [property: Length(4, 4)] double[]? TargetMeans = null,
    [property: Length(4, 4)] double[]? TargetStds = null,
    [property: Range(1e-6, 1)] double WhRatioClip = 16.0 / 1000
);

/// <summary>The centre's shift in units of the anchor's size, and the logarithms of the ratios of the sizes.</summary>
/// <remarks>Girshick et al., "Rich feature hierarchies for accurate object detection", 2014, arXiv:1311.2524, appendix C.</remarks>
[Component("DeltaXywhCoder")]
public sealed class DeltaXywhCoder : BoxCoder
{
    private readonly double[] _means,
        _deviations;
    private readonly double _largest;

    public DeltaXywhCoder(DeltaXywhCoderOptions options)
    {
        (_means, _deviations) = (options.TargetMeans ?? [0, 0, 0, 0], options.TargetStds ?? [1, 1, 1, 1]);
        if (_deviations.Any(deviation => !(deviation > 0)))
            throw new UserErrorException("DeltaXywhCoder: target_stds must be positive.");
        _largest = -Math.Log(options.WhRatioClip);
    }

    public override Tensor Encode(Tensor anchors, Tensor boxes)
    {
        using var scope = NewDisposeScope();
        var (ax, ay, aw, ah) = CentersAndSizes(anchors);
        var (x, y, w, h) = CentersAndSizes(boxes);
        return scope.MoveToOuter(
            stack([Standard((x - ax) / aw, 0), Standard((y - ay) / ah, 1), Standard((w / aw).log(), 2), Standard((h / ah).log(), 3)], 1)
        );
    }

    public override Tensor Decode(Tensor anchors, Tensor codes)
    {
        using var scope = NewDisposeScope();
        var (ax, ay, aw, ah) = CentersAndSizes(anchors);
        var (dx, dy, dw, dh) = Columns(codes);
        var x = Plain(dx, 0) * aw + ax;
        var y = Plain(dy, 1) * ah + ay;
        var halfWidth = Plain(dw, 2).clamp_max(_largest).exp() * aw * 0.5;
        var halfHeight = Plain(dh, 3).clamp_max(_largest).exp() * ah * 0.5;
        return scope.MoveToOuter(stack([x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight], 1));
    }

    private static (Tensor X, Tensor Y, Tensor Width, Tensor Height) CentersAndSizes(Tensor boxes)
    {
        var (x1, y1, x2, y2) = Columns(boxes);
        var (width, height) = (x2 - x1, y2 - y1);
        return (x1 + width * 0.5, y1 + height * 0.5, width, height);
    }

    private Tensor Standard(Tensor value, int i) => _means[i] == 0 && _deviations[i] == 1 ? value : (value - _means[i]) / _deviations[i];

    private Tensor Plain(Tensor value, int i) => _means[i] == 0 && _deviations[i] == 1 ? value : value * _deviations[i] + _means[i];
}
