using Tessera.Framework.Data;

namespace Tessera.Datasets.Synthetic;

/// <param name="Label">Index into the classes.</param>
/// <param name="Place">Centre x, centre y and diameter, in fractions of the side.</param>
/// <param name="Mask">What is visible of it, [H * W], 0 or 1; null where not asked for.</param>
internal sealed record PaintedShape(int Label, float[] Place, byte[]? Mask);

/// <summary>A drawn image and what it shows, back to front.</summary>
internal sealed record ShapeScene(Image Image, IReadOnlyList<PaintedShape> Shapes)
{
    /// <summary>Memory it takes, about.</summary>
    public long Bytes => 200 + Image.Bytes.Length + Shapes.Sum(shape => 120L + (shape.Mask?.Length ?? 0));
}
