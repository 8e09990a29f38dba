using System.Globalization;
using Tessera.Datasets.Detection;
using Tessera.Framework.Data;
using Tessera.Framework.Files;

namespace Tessera.Tools.Conversion;

/// <summary>Writes YOLO's label files: a line "class x y width height" for each box, its middle and its size as fractions of the image's;
/// "class x1 y1 x2 y2 …", an outline's points, for an object with a mask. An image without objects has an empty file.</summary>
internal static class YoloWriter
{
    public static void Write(AnnotatedImage image, string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        AtomicFile.WriteText(path, string.Concat(image.Objects.Select(item => Line(item, image.Height, image.Width))));
    }

    /// <summary>The classes' names in the order of their numbers, one a line.</summary>
    public static void WriteNames(IReadOnlyList<string> names, string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        AtomicFile.WriteText(path, string.Concat(names.Select(name => name.ReplaceLineEndings(" ") + "\n")));
    }

    private static string Line(AnnotatedObject item, int height, int width)
    {
        double[] values = Outline(item, height, width) is { } points
            ? [.. points.Select((value, i) => value / (i % 2 == 0 ? width : height))]
            : [(item.X + (item.Width / 2)) / width, (item.Y + (item.Height / 2)) / height, item.Width / width, item.Height / height];
        var numbers = values.Select(value => value.ToString("0.########", CultureInfo.InvariantCulture));
        return string.Create(CultureInfo.InvariantCulture, $"{item.Class} {string.Join(' ', numbers)}\n");
    }

    /// <summary>Its mask's parts in one line, which is all that the format holds; null without a mask.</summary>
    private static double[]? Outline(AnnotatedObject item, int height, int width) =>
        item.Mask is not { } mask ? null
        : mask.Outlines(height, width) is { Count: > 0 } polygons ? MaskContours.Joined(polygons)
        : null;
}
