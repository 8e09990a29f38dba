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

    /// <summary>The shapes of which something is seen, from the back, class 1 being the first; then the background, class 0, unless they
    /// cover it.</summary>
    /// <param name="size">Side of the image; the masks are known.</param>
    public PanopticMap Panoptic(int size)
    {
        var map = new Image(size, size, 1, PixelType.UInt16);
        var values = map.Pixels<ushort>();
        values.Fill(PanopticMap.Void);
        var segments = new List<PanopticSegment>();
        foreach (var shape in Shapes.Where(shape => shape.Mask.AsSpan().Contains((byte)1)))
        {
            for (var i = 0; i < values.Length; i++)
                if (shape.Mask![i] != 0)
                    values[i] = (ushort)segments.Count;
            segments.Add(new PanopticSegment(shape.Label + 1));
        }
        if (values.Contains(PanopticMap.Void))
        {
            values.Replace(PanopticMap.Void, (ushort)segments.Count);
            segments.Add(new PanopticSegment(0));
        }
        return new PanopticMap(map, segments);
    }
}
