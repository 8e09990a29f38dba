using SkiaSharp;

namespace Tessera.Framework.Visualization;

/// <summary>Coordinates as Skia takes them.</summary>
internal static class SkiaShapes
{
    /// <summary>Whether all are finite as floats, too.</summary>
    internal static bool Finite(params ReadOnlySpan<double> values)
    {
        var sum = 0f;
        foreach (var value in values)
            sum += (float)value;
        return float.IsFinite(sum);
    }

    internal static SKRect Rectangle(double x, double y, double width, double height) =>
        SKRect.Create((float)x, (float)y, (float)width, (float)height);

    /// <summary>Straight pieces through the points. The caller disposes them.</summary>
    internal static SKPath Trace(IReadOnlyList<(double X, double Y)> points, bool close)
    {
        using var path = new SKPathBuilder();
        path.AddPoly([.. points.Select(point => new SKPoint((float)point.X, (float)point.Y))], close);
        return path.Detach();
    }
}
