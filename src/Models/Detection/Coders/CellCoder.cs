using static TorchSharp.torch;

namespace Tessera.Models.Detection.Coders;

/// <summary>The box's centre from its cell's upper left corner, in cells, and the logarithms of its sides in cells.</summary>
/// <remarks>Ge et al., "YOLOX", 2021, arXiv:2107.08430, after Redmon and Farhadi, "YOLOv3", 2018, arXiv:1804.02767.</remarks>
internal sealed class CellCoder : BoxCoder
{
    private const double Least = 1e-8; // no logarithm of 0

    public override Tensor Encode(Tensor anchors, Tensor boxes)
    {
        using var scope = NewDisposeScope();
        var (left, top, width, height) = Cells(anchors);
        var (x1, y1, x2, y2) = Columns(boxes);
        return scope.MoveToOuter(
            stack(
                [
                    ((x1 + x2) * 0.5 - left) / width,
                    ((y1 + y2) * 0.5 - top) / height,
                    ((x2 - x1) / width + Least).log(),
                    ((y2 - y1) / height + Least).log(),
                ],
                1
            )
        );
    }

    public override Tensor Decode(Tensor anchors, Tensor codes)
    {
        using var scope = NewDisposeScope();
        var (left, top, width, height) = Cells(anchors);
        var (dx, dy, dw, dh) = Columns(codes);
        var (x, y) = (dx * width + left, dy * height + top);
        var (halfWidth, halfHeight) = (dw.exp() * width * 0.5, dh.exp() * height * 0.5);
        return scope.MoveToOuter(stack([x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight], 1));
    }

    private static (Tensor Left, Tensor Top, Tensor Width, Tensor Height) Cells(Tensor anchors)
    {
        var (x1, y1, x2, y2) = Columns(anchors);
        return (x1, y1, x2 - x1, y2 - y1);
    }
}
