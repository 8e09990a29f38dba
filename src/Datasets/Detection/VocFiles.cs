using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Detection;

/// <summary>Reads annotations in Pascal VOC's format.</summary>
public static class VocFiles
{
    private const long MaxCharacters = 64 << 20;

    private sealed record Parsed(string Name, AnnotatedImage? Image, IReadOnlyList<string> Classes, string? Problem);

    /// <summary>The images of a list, with their objects.</summary>
    /// <param name="oneBased">Take 1 from every coordinate.</param>
    /// <exception cref="UserErrorException">There is no such list, or it names nothing.</exception>
    public static AnnotationSet Read(FileStore files, string split, bool oneBased, Findings findings)
    {
        var list = $"ImageSets/Main/{split}.txt";
        var known = files.Names.ToHashSet(StringComparer.Ordinal);
        var names = Names(files, list, known, findings);
        var parsed = new Parsed[names.Count];
        Parallel.For(0, names.Count, i => parsed[i] = Parse(files, known, names[i], oneBased));

        var classes = parsed.SelectMany(file => file.Classes).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        var indices = classes.Select((name, i) => (name, i)).ToDictionary(entry => entry.name, entry => entry.i, StringComparer.Ordinal);
        var images = new List<AnnotatedImage>(parsed.Length);
        foreach (var file in parsed)
        {
            if (file.Image is null) findings.Add(FindingKind.BadFile, file.Problem!);
            else images.Add(file.Image with { Objects = [.. file.Image.Objects.Select(item => item with { Class = item.Class < 0 ? -1 : indices[file.Classes[item.Class]] })] });
        }
        return new AnnotationSet(classes, null, images);
    }

    private static List<string> Names(FileStore files, string list, HashSet<string> known, Findings findings)
    {
        if (!known.Contains(list))
        {
            var others = known.Where(name => name.StartsWith("ImageSets/Main/", StringComparison.Ordinal) && name.EndsWith(".txt", StringComparison.Ordinal)).Select(name => name["ImageSets/Main/".Length..^4]).Order(StringComparer.Ordinal).ToArray();
            throw new UserErrorException($"{files.Describe(list)} doesn't exist: it lists the split's images."
                + (others.Length > 0 ? $"{NearestName.Suggest(Path.GetFileNameWithoutExtension(list), others)} There are: {string.Join(", ", others.Take(20))}." : " Is path the folder that holds ImageSets?"));
        }
        var (names, seen, line) = (new List<string>(), new HashSet<string>(StringComparer.Ordinal), 0);
        foreach (var text in System.Text.Encoding.UTF8.GetString(files.Read(list).Span).TrimStart('\uFEFF').Split('\n'))
        {
            line++;
            // A class's own list has a second column: -1 for images without it.
            if (text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is not [var name, ..] columns || columns is [_, "-1", ..]) continue;
            if (name.Split('/', '\\').Contains("..") || Path.IsPathRooted(name)) throw new UserErrorException($"{files.Describe(list)}:{line}  \"{name}\" leads out of the folder.");
            if (seen.Add(name)) names.Add(name);
            else findings.Add(FindingKind.Duplicate, $"{files.Describe(list)}:{line}  {name} comes twice.");
        }
        return names.Count > 0 ? names : throw new UserErrorException($"{files.Describe(list)} lists no images.");
    }

    private static Parsed Parse(FileStore files, HashSet<string> known, string name, bool oneBased)
    {
        var file = $"Annotations/{name}.xml";
        var image = ImageCodec.Extensions.Select(extension => $"JPEGImages/{name}{extension}").FirstOrDefault(known.Contains) ?? $"JPEGImages/{name}.jpg";
        try
        {
            if (!known.Contains(file)) throw new UserErrorException($"{files.Describe(file)} doesn't exist: it is the annotation of {name}.");
            return Parse(files.Read(file), files.Describe(file), image, oneBased);
        }
        catch (UserErrorException e)
        {
            return new Parsed(name, null, [], e.Message);
        }
    }

    /// <summary>One file.</summary>
    private static Parsed Parse(ReadOnlyMemory<byte> bytes, string path, string image, bool oneBased)
    {
        var root = Load(bytes, path);
        if (root.Name != "annotation") throw new UserErrorException($"{path}:{Line(root)}  <annotation> was expected, not <{root.Name}>.");
        var (classes, objects) = (new List<string>(), new List<AnnotatedObject>());
        foreach (var element in root.Elements("object"))
        {
            var name = element.Element("name")?.Value.Trim(); // a <part> has a name and a box of its own
            var index = string.IsNullOrEmpty(name) ? -1 : classes.IndexOf(name);
            if (index < 0 && !string.IsNullOrEmpty(name))
            {
                index = classes.Count;
                classes.Add(name);
            }
            var box = element.Element("bndbox");
            var (x1, y1, x2, y2) = (Number(box, "xmin"), Number(box, "ymin"), Number(box, "xmax"), Number(box, "ymax"));
            var shift = oneBased ? 1 : 0;
            objects.Add(new AnnotatedObject(x1 - shift, y1 - shift, x2 - x1, y2 - y1, index)
            {
                Difficult = Flag(element, "difficult"), Truncated = Flag(element, "truncated"), Place = Line(box ?? element),
            });
        }
        var size = root.Element("size");
        return new Parsed(path, new AnnotatedImage(image, Side(Number(size, "height")), Side(Number(size, "width")), objects) { Source = path }, classes, null);

        static int Side(double value) => value is > 0 and < 1e6 ? (int)value : 0;
    }

    private static XElement Load(ReadOnlyMemory<byte> bytes, string path)
    {
        var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = MaxCharacters };
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(bytes.ToArray()), settings);
            return XDocument.Load(reader, LoadOptions.SetLineInfo).Root!;
        }
        catch (XmlException e)
        {
            throw new UserErrorException($"{path}:{Math.Max(1, e.LineNumber)}  not XML: {e.Message}", e);
        }
    }

    private static int Line(XElement element) => ((IXmlLineInfo)element).LineNumber;

    private static double Number(XElement? parent, string name) =>
        double.TryParse(parent?.Element(name)?.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN;

    private static bool Flag(XElement parent, string name) => parent.Element(name)?.Value.Trim() is "1" or "true" or "True";
}
