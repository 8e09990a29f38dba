using static TorchSharp.torch;

namespace Tessera.Models.Detection.Coders;

/// <summary>Boxes as numbers that a head can learn, relative to the anchor (or the place) that is to find them.</summary>
[ComponentKind("box coder")]
public abstract class BoxCoder
{
    /// <param name="anchors">[N, 4], xyxy.</param>
    /// <param name="boxes">[N, 4], xyxy.</param>
    /// <returns>[N, 4].</returns>
    public abstract Tensor Encode(Tensor anchors, Tensor boxes);

    /// <summary>The inverse; differentiable.</summary>
    /// <param name="codes">[N, 4].</param>
    /// <returns>[N, 4], xyxy.</returns>
    public abstract Tensor Decode(Tensor anchors, Tensor codes);

    /// <summary>The four columns of [N, 4].</summary>
    protected static (Tensor A, Tensor B, Tensor C, Tensor D) Columns(Tensor rows)
    {
        var columns = rows.unbind(1);
        return (columns[0], columns[1], columns[2], columns[3]);
    }
}
