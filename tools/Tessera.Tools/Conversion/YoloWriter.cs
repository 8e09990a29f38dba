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

    private static string Line(AnnotatedObject item, int height, int width) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{item.Class} {(item.X + (item.Width / 2)) / width:0.########} {(item.Y + (item.Height / 2)) / height:0.########} {item.Width / width:0.########} {item.Height / height:0.########}\n"
        );
}
