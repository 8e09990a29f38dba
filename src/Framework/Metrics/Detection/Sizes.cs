using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>Boxes as x, y, width, height.</summary>
internal static class Sizes
{
    /// <param name="corners">[N * 4], x1, y1, x2, y2.</param>
    public static double[] Of(ReadOnlySpan<float> corners)
    {
        var boxes = new double[corners.Length];
        for (var i = 0; i < corners.Length; i += 4)
        {
            (boxes[i], boxes[i + 1]) = (corners[i], corners[i + 1]);
            (boxes[i + 2], boxes[i + 3]) = (corners[i + 2] - boxes[i], corners[i + 3] - boxes[i + 1]);
        }
        return boxes;
    }

    /// <summary>A sample's boxes moved back to where they were before any transform; null where it has none.</summary>
    public static BoxAnnotation? OnOriginal(Sample sample)
    {
        if (sample.Truth.Boxes is not { } boxes)
            return null;
        if (sample.Geometry is not { Transform.IsIdentity: false } geometry || !Matrix3x2.Invert(geometry.Transform, out var back))
            return BoxAnnotation.Of(boxes);
        var corners = new float[boxes.Corners.Length];
        for (var i = 0; i < corners.Length; i += 4)
        {
            var first = Vector2.Transform(new Vector2(boxes.Corners[i], boxes.Corners[i + 1]), back);
            var second = Vector2.Transform(new Vector2(boxes.Corners[i + 2], boxes.Corners[i + 3]), back);
            var (low, high) = (Vector2.Min(first, second), Vector2.Max(first, second));
            (corners[i], corners[i + 1], corners[i + 2], corners[i + 3]) = (low.X, low.Y, high.X, high.Y);
        }
        return BoxAnnotation.Of(boxes with { Corners = corners });
    }

    public static bool AreFinite(ReadOnlySpan<double> box) => double.IsFinite(box[0] + box[1] + box[2] + box[3]);

    /// <summary>Intersection over union; over the detection's own area where the object is a crowd.</summary>
    public static double IoU(ReadOnlySpan<double> found, ReadOnlySpan<double> truth, bool crowd)
    {
        var width = Math.Min(found[2] + found[0], truth[2] + truth[0]) - Math.Max(found[0], truth[0]);
        if (!(width > 0))
            return 0;
        var height = Math.Min(found[3] + found[1], truth[3] + truth[1]) - Math.Max(found[1], truth[1]);
        if (!(height > 0))
            return 0;
        var (both, area) = (width * height, found[2] * found[3]);
        return both / (crowd ? area : area + (truth[2] * truth[3]) - both);
    }
}
