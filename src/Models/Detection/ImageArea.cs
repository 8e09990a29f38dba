using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Models.Detection;

/// <summary>Where an image lies in its tensor, in pixels; around it there may be padding.</summary>
public readonly record struct ImageArea(float Left, float Top, float Right, float Bottom)
{
    /// <summary>Of a sample: where its original image went, as far as it is in the tensor.</summary>
    /// <param name="size">The tensor's height and width.</param>
    public static ImageArea Of(Sample sample, (int Height, int Width) size)
    {
        if (sample.Geometry is not { } geometry)
            return new ImageArea(0, 0, size.Width, size.Height);
        Span<Vector2> corners =
        [
            Vector2.Zero,
            new(geometry.OriginalWidth, 0),
            new(0, geometry.OriginalHeight),
            new(geometry.OriginalWidth, geometry.OriginalHeight),
        ];
        var (low, high) = (new Vector2(float.PositiveInfinity), new Vector2(float.NegativeInfinity));
        foreach (var corner in corners)
        {
            var moved = Vector2.Transform(corner, geometry.Transform);
            (low, high) = (Vector2.Min(low, moved), Vector2.Max(high, moved));
        }
        var room = new Vector2(size.Width, size.Height);
        // A side is a whole number of pixels, which the map gives but for rounding.
        (low, high) = (Vector2.Clamp(Whole(low), Vector2.Zero, room), Vector2.Clamp(Whole(high), Vector2.Zero, room));
        return new ImageArea(low.X, low.Y, high.X, high.Y);
    }

    /// <summary>The parts of boxes that lie on the image.</summary>
    public BoxArray Clip(BoxArray boxes)
    {
        var clipped = BoxArray.WithRoom(boxes.Count);
        for (var i = 0; i < boxes.Count; i++)
        {
            (clipped.X1[i], clipped.X2[i]) = (Math.Clamp(boxes.X1[i], Left, Right), Math.Clamp(boxes.X2[i], Left, Right));
            (clipped.Y1[i], clipped.Y2[i]) = (Math.Clamp(boxes.Y1[i], Top, Bottom), Math.Clamp(boxes.Y2[i], Top, Bottom));
        }
        return clipped;
    }

    private static Vector2 Whole(Vector2 at) => new(Whole(at.X), Whole(at.Y));

    private static float Whole(float at) => MathF.Abs(at - MathF.Round(at)) < 0.01f ? MathF.Round(at) : at;
}
