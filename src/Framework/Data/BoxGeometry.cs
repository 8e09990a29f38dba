namespace Tessera.Framework.Data;

/// <summary>
/// Boxes one by one, in double precision, as COCO states them: x, y, width, height. The other two forms of the same geometry are
/// BoxArray (one box against many, float32 corners; Nms has its loop, ended early) and BoxPairs (tensors, with gradients), both in
/// Tessera.Models.
/// </summary>
public static class BoxGeometry
{
    /// <summary>Corners as x, y, width, height.</summary>
    /// <param name="corners">[N * 4], x1, y1, x2, y2.</param>
    /// <returns>[N * 4].</returns>
    public static double[] FromCorners(ReadOnlySpan<float> corners)
    {
        var boxes = new double[corners.Length];
        for (var i = 0; i < corners.Length; i += 4)
        {
            (boxes[i], boxes[i + 1]) = (corners[i], corners[i + 1]);
            (boxes[i + 2], boxes[i + 3]) = (corners[i + 2] - boxes[i], corners[i + 3] - boxes[i + 1]);
        }
        return boxes;
    }

    /// <param name="box">[4].</param>
    public static bool IsFinite(ReadOnlySpan<double> box) => double.IsFinite(box[0] + box[1] + box[2] + box[3]);

    /// <summary>Intersection over union, in [0, 1]; 0 where the boxes share no area.</summary>
    /// <param name="a">[4], x, y, width, height.</param>
    /// <param name="b">[4], likewise.</param>
    /// <param name="ofFirst">Over the first box's own area instead of the union, as COCO does where the second is a crowd.</param>
    public static double IoU(ReadOnlySpan<double> a, ReadOnlySpan<double> b, bool ofFirst = false)
    {
        var width = Math.Min(a[2] + a[0], b[2] + b[0]) - Math.Max(a[0], b[0]);
        if (!(width > 0))
            return 0;
        var height = Math.Min(a[3] + a[1], b[3] + b[1]) - Math.Max(a[1], b[1]);
        if (!(height > 0))
            return 0;
        var (both, area) = (width * height, a[2] * a[3]);
        return both / (ofFirst ? area : area + (b[2] * b[3]) - both);
    }
}
