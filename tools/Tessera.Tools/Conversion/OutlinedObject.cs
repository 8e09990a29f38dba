using Tessera.Datasets.Detection;

namespace Tessera.Tools.Conversion;

/// <summary>Outlines of shapes as objects' masks.</summary>
internal static class OutlinedObject
{
    private const double CircleError = 0.1; // pixels between the circle and its polygon
    private const int FewestPoints = 12,
        MostPoints = 360;

    public static double[] Rectangle(double x1, double y1, double x2, double y2) => [x1, y1, x2, y1, x2, y2, x1, y2];

    /// <summary>A polygon on the circle around a point.</summary>
    /// <param name="dx">From there to a point of the rim.</param>
    public static double[] Circle(double x, double y, double dx, double dy)
    {
        var radius = Math.Sqrt(dx * dx + dy * dy);
        var wanted = radius > CircleError ? Math.Ceiling(Math.PI / Math.Acos(1 - CircleError / radius)) : FewestPoints;
        var count = (int)Math.Clamp(wanted, FewestPoints, MostPoints);
        return
        [
            .. Enumerable
                .Range(0, count)
                .SelectMany(i =>
                    (double[])[x + radius * Math.Cos(2 * Math.PI * i / count), y + radius * Math.Sin(2 * Math.PI * i / count)]
                ),
        ];
    }

    /// <summary>A polygon from points in fractions of the image's sides.</summary>
    public static ObjectMask Scaled(double[] points, int height, int width) =>
        ObjectMask.OfPolygons([
            [.. points.Select((value, i) => value * (i % 2 == 0 ? width : height))],
        ]);

    /// <summary>With the mask's pixels for its area, but of a lone upright rectangle, which is its box. A mask that can't be filled is left
    /// out: the box tells why.</summary>
    public static AnnotatedObject Measured(AnnotatedObject item, int height, int width)
    {
        if (item.Mask is not { } mask || height <= 0 || width <= 0)
            return item;
        if (mask.Fault(height, width) is not null)
            return item with { Mask = null };
        var isBox = mask.Polygons is [{ Length: 8 } points] && points[0] == points[6] && points[1] == points[3] && points[2] == points[4];
        return isBox ? item : item with { Area = mask.Rasterize(height, width).Area };
    }
}
