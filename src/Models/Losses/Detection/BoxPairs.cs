using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>What the overlap losses share: sides and overlaps of pairs of boxes, one below the other.</summary>
internal sealed class BoxPairs
{
    private const double Least = 1e-7; // no division by 0

    private readonly Tensor[] _a,
        _b;

    /// <param name="a">[N, 4], xyxy.</param>
    /// <param name="b">[N, 4], xyxy.</param>
    public BoxPairs(Tensor a, Tensor b)
    {
        (_a, _b) = (a.unbind(1), b.unbind(1));
        var shared =
            (_a[2].minimum(_b[2]) - _a[0].maximum(_b[0])).clamp_min(0) * (_a[3].minimum(_b[3]) - _a[1].maximum(_b[1])).clamp_min(0);
        Union = WidthA * HeightA + WidthB * HeightB - shared;
        Iou = shared / (Union + Least);
    }

    /// <summary>[N].</summary>
    public Tensor Iou { get; }

    /// <summary>Area that either covers, [N].</summary>
    public Tensor Union { get; }

    public Tensor WidthA => _a[2] - _a[0];

    public Tensor HeightA => _a[3] - _a[1];

    public Tensor WidthB => _b[2] - _b[0];

    public Tensor HeightB => _b[3] - _b[1];

    /// <summary>Sides of the smallest box around both, [N] each.</summary>
    public (Tensor Width, Tensor Height) Hull => (_a[2].maximum(_b[2]) - _a[0].minimum(_b[0]), _a[3].maximum(_b[3]) - _a[1].minimum(_b[1]));

    /// <summary>IoU less the part of the hull that neither covers, [N].</summary>
    public Tensor GeneralizedIou()
    {
        var (width, height) = Hull;
        var area = width * height;
        return Iou - (area - Union) / (area + Least);
    }

    /// <summary>The squared distance of the centres over that of the hull's corners, [N].</summary>
    public Tensor Distance()
    {
        var (width, height) = Hull;
        var (dx, dy) = ((_a[0] + _a[2] - _b[0] - _b[2]) / 2, (_a[1] + _a[3] - _b[1] - _b[3]) / 2);
        return (dx.square() + dy.square()) / (width.square() + height.square() + Least);
    }

    /// <summary>How much the ratios of width to height differ, in [0, 1], and its weight, [N] each.</summary>
    public (Tensor Difference, Tensor Weight) Aspect()
    {
        var difference = (atan(WidthB / (HeightB + Least)) - atan(WidthA / (HeightA + Least))).square() * (4 / (Math.PI * Math.PI));
        using var _ = no_grad();
        return (difference, difference / (1 - Iou + difference + Least));
    }
}
