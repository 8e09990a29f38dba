using static TorchSharp.torch;

namespace Tessera.Models.Detection.Coders;

/// <param name="NormalizeBySize">Distances are measured in the anchor's width and height; otherwise in pixels.</param>
public sealed record DistanceCoderOptions(bool NormalizeBySize = true);

/// <summary>Distances from the anchor's centre to the box's left, top, right and bottom.</summary>
/// <remarks>Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", 2019, arXiv:1904.01355.</remarks>
[Component("DistanceCoder")]
public sealed class DistanceCoder(DistanceCoderOptions options) : BoxCoder
{
    public override Tensor Encode(Tensor anchors, Tensor boxes)
    {
        using var scope = NewDisposeScope();
        var (x, y, width, height) = Frame(anchors);
        var (x1, y1, x2, y2) = Columns(boxes);
        Tensor[] distances = [x - x1, y - y1, x2 - x, y2 - y];
        if (options.NormalizeBySize)
            distances = [distances[0] / width, distances[1] / height, distances[2] / width, distances[3] / height];
        return scope.MoveToOuter(stack(distances, 1));
    }

    public override Tensor Decode(Tensor anchors, Tensor codes)
    {
        using var scope = NewDisposeScope();
        var (x, y, width, height) = Frame(anchors);
        var (left, top, right, bottom) = Columns(codes);
        if (options.NormalizeBySize)
            (left, top, right, bottom) = (left * width, top * height, right * width, bottom * height);
        return scope.MoveToOuter(stack([x - left, y - top, x + right, y + bottom], 1));
    }

    private static (Tensor X, Tensor Y, Tensor Width, Tensor Height) Frame(Tensor anchors)
    {
        var (x1, y1, x2, y2) = Columns(anchors);
        return ((x1 + x2) * 0.5, (y1 + y2) * 0.5, x2 - x1, y2 - y1);
    }
}
