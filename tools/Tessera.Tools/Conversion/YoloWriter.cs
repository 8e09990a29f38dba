using System.Globalization;
using Tessera.Datasets.Detection;
using Tessera.Framework.Files;

namespace Tessera.Tools.Conversion;

/// <summary>Writes YOLO's label files: a line "class x y width height" for each box, its middle and its size as fractions of the image's.
/// An image without boxes has an empty file.</summary>
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
        double[] values =
        [
            (item.X + (item.Width / 2)) / width,
            (item.Y + (item.Height / 2)) / height,
            item.Width / width,
            item.Height / height,
        ];
        var numbers = values.Select(value => value.ToString("0.########", CultureInfo.InvariantCulture));
        return string.Create(CultureInfo.InvariantCulture, $"{item.Class} {string.Join(' ', numbers)}\n");
    }
}
