using System.Globalization;
using System.Xml.Linq;
using Tessera.Datasets.Detection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Tools.Output;

namespace Tessera.Tools.Conversion;

/// <summary>Writes annotations in Pascal VOC's format: an XML file an image, coordinates from 1, and a list of names.</summary>
internal static class VocWriter
{
    public static void Write(AnnotationSet set, string folder, string split)
    {
        var names = set.Images.Select(image => Path.ChangeExtension(image.File, null)).ToArray();
        if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twins)
            throw new UserErrorException(
                $"Two images are named {twins.Key}, but for their endings: both would have the annotation {twins.Key}.xml."
            );
        if (Array.Find(names, name => name.Any(char.IsWhiteSpace)) is { } spaced)
            throw new UserErrorException($"\"{spaced}\" has a space in its name, which VOC's lists can't hold.");
        var advance = new Advance("writing");
        for (var i = 0; i < names.Length; i++)
        {
            var path = Path.Combine(folder, "Annotations", names[i] + ".xml");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.WriteText(path, Document(set.Images[i], set.Names) + "\n");
            advance.Report(i + 1, names.Length);
        }
        Directory.CreateDirectory(Path.Combine(folder, "ImageSets", "Main"));
        AtomicFile.WriteText(Path.Combine(folder, "ImageSets", "Main", split + ".txt"), string.Concat(names.Select(name => name + "\n")));
    }

    private static XElement Document(AnnotatedImage image, IReadOnlyList<string> names) =>
        new(
            "annotation",
            new XElement("folder", "JPEGImages"),
            new XElement("filename", image.File),
            new XElement("size", new XElement("width", image.Width), new XElement("height", image.Height), new XElement("depth", 3)),
            image.Objects.Select(item => new XElement(
                "object",
                new XElement("name", names[item.Class]),
                new XElement("truncated", item.Truncated ? 1 : 0),
                new XElement("difficult", item.Difficult || item.Crowd ? 1 : 0), // VOC has no crowds; neither is asked for
                new XElement(
                    "bndbox",
                    Corner("xmin", item.X),
                    Corner("ymin", item.Y),
                    Corner("xmax", item.X + item.Width),
                    Corner("ymax", item.Y + item.Height)
                )
            ))
        );

    private static XElement Corner(string name, double value) => new(name, (value + 1).ToString("R", CultureInfo.InvariantCulture));
}
