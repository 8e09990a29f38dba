using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>An object's mask as its annotation states it: polygons, or run lengths as numbers or as text. It becomes pixels when they are
/// asked for.</summary>
public sealed class ObjectMask
{
    private readonly int[]? _runs;
    private readonly string? _text,
        _problem;

    private ObjectMask(IReadOnlyList<double[]>? polygons, int[]? runs, string? text, (int Height, int Width)? size, string? problem) =>
        (Polygons, _runs, _text, Size, _problem) = (polygons, runs, text, size, problem);

    /// <summary>Each x1, y1, x2, y2, … in pixels; null where it is run lengths.</summary>
    public IReadOnlyList<double[]>? Polygons { get; }

    /// <summary>The image that run lengths are of, as they say; null for polygons.</summary>
    public (int Height, int Width)? Size { get; }

    /// <param name="polygons">Each x1, y1, x2, y2, … in pixels; together they are one object.</param>
    public static ObjectMask OfPolygons(IReadOnlyList<double[]> polygons) => new(polygons, null, null, null, null);

    public static ObjectMask Of(RunLengthMask mask) => OfRuns([.. mask.Runs], (mask.Height, mask.Width));

    internal static ObjectMask OfRuns(int[] runs, (int Height, int Width) size) => new(null, runs, null, size, null);

    /// <param name="text">As <see cref="RunLengthText"/>.</param>
    internal static ObjectMask OfText(string text, (int Height, int Width) size) => new(null, null, text, size, null);

    /// <summary>Something that is none.</summary>
    internal static ObjectMask Wrong(string problem) => new(null, null, null, null, problem);

    /// <summary>Why it can't be used; null where it can.</summary>
    /// <param name="height">The image's rows.</param>
    /// <param name="width">The image's columns.</param>
    public string? Fault(int height, int width)
    {
        if (_problem is not null)
            return _problem;
        if (Size is { } size && size != (height, width))
            return $"its size is {size.Height} x {size.Width} (rows x columns), its image's {height} x {width}";
        if (_runs is not null)
            return RunLengthMask.Fault(height, width, _runs);
        if (_text is not null)
            return RunLengthText.TryDecode(_text, height, width, out _, out var fault) ? null : fault;
        if (RunLengthMask.Fault(height, width, []) is { } tooLarge && (long)height * width > int.MaxValue)
            return tooLarge;
        return Polygons!.Count == 0
            ? "it has no polygon"
            : Polygons.Select(points => PolygonMask.Fault(points)).FirstOrDefault(wrong => wrong is not null)
                ?? (
                    Polygons.All(IsOutside)
                        ? string.Create(CultureInfo.InvariantCulture, $"it lies outside its image of {width} x {height}")
                        : null
                );

        bool IsOutside(double[] points)
        {
            var (x, y) = (points.Where((_, i) => i % 2 == 0), points.Where((_, i) => i % 2 == 1));
            return x.Max() <= 0 || x.Min() >= width || y.Max() <= 0 || y.Min() >= height;
        }
    }

    /// <summary>Its polygons; of run lengths the outlines of their parts, slightly simplified. <see cref="Fault"/> must be null.</summary>
    /// <param name="height">The image's rows.</param>
    /// <param name="width">The image's columns.</param>
    /// <returns>Each x1, y1, x2, y2, … in pixels.</returns>
    public IReadOnlyList<double[]> Outlines(int height, int width) =>
        Polygons ?? MaskContours.Of(Rasterize(height, width), MaskContours.UsualTolerance);

    /// <summary>Its pixels. <see cref="Fault"/> must be null.</summary>
    /// <param name="height">The image's rows.</param>
    /// <param name="width">The image's columns.</param>
    public RunLengthMask Rasterize(int height, int width)
    {
        if (Fault(height, width) is { } fault)
            throw new InvalidOperationException(fault);
        if (_runs is not null)
            return new RunLengthMask(height, width, _runs);
        if (_text is null)
            return PolygonMask.Of(Polygons!, height, width);
        RunLengthText.TryDecode(_text, height, width, out var mask, out _);
        return mask!;
    }
}
