using System.Xml;
using System.Xml.Linq;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>Reads annotations in Pascal VOC's format.</summary>
public static class VocFiles
{
    private const long MaxCharacters = 64 << 20;

    private sealed record Parsed(string Name, AnnotatedImage? Image, IReadOnlyList<string> Classes, string? Problem, bool Missing = false)
    {
        /// <summary>Boxes that belong to no object, each as it is told.</summary>
        public IReadOnlyList<string> Surplus { get; init; } = [];
    }

    /// <summary>The images of a list in ImageSets/Main, with their objects.</summary>
    /// <param name="oneBased">Take 1 from every coordinate.</param>
    /// <param name="unannotated">What becomes of an image whose annotation file is missing or empty; null: as of one whose file is
    /// broken.</param>
    /// <exception cref="UserErrorException">There is no such list, or it names nothing.</exception>
    public static AnnotationSet Read(FileStore files, string split, bool oneBased, Findings findings, Unannotated? unannotated = null)
    {
        var places = new VocPlaces(files);
        return Read(places, VocNames.OfSplit(places, split, findings), oneBased, findings, unannotated);
    }

    /// <summary>Images with their objects. The classes are those of all annotations that are looked at.</summary>
    /// <param name="oneBased">Take 1 from every coordinate.</param>
    /// <param name="unannotated">What becomes of an image whose annotation file is missing or empty; null: as of one whose file is
    /// broken.</param>
    public static AnnotationSet Read(VocPlaces places, VocNames names, bool oneBased, Findings findings, Unannotated? unannotated = null)
    {
        var parsed = Parse(places, names.Taken, oneBased);
        var classes = parsed
            .Concat(Parse(places, names.Others, oneBased))
            .SelectMany(file => file.Classes)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToArray();
        var indices = classes.Select((name, i) => (name, i)).ToDictionary(entry => entry.name, entry => entry.i, StringComparer.Ordinal);
        var images = new List<AnnotatedImage>(parsed.Length);
        foreach (var file in parsed)
        {
            if (file.Missing && unannotated is { } policy)
                Without(file, policy);
            else if (file.Image is null || file.Problem is not null)
                findings.Add(FindingKind.BadFile, file.Problem!);
            else
                Take(file, file.Image);
        }
        var background = parsed.Where(file => file.Missing).ToArray();
        if (unannotated == Unannotated.Background && background.Length > 0)
            findings.Note(
                $"{background.Length} of {parsed.Length} images have no annotation file and are taken for background. The first: "
                    + $"{background[0].Name}."
            );
        return new AnnotationSet(classes, null, images);

        void Take(Parsed file, AnnotatedImage image)
        {
            images.Add(image with { Objects = [.. image.Objects.Select(item => item with { Class = Index(file, item) })] });
            foreach (var box in file.Surplus)
                findings.Add(FindingKind.BadBox, box);
        }

        int Index(Parsed file, AnnotatedObject item) => item.Class < 0 ? -1 : indices[file.Classes[item.Class]];

        void Without(Parsed file, Unannotated policy)
        {
            if (policy == Unannotated.Background)
                images.Add(file.Image!);
            else if (policy == Unannotated.Skip)
                findings.LeaveOut(LeftOutKind.Image, "images without an annotation file (on_missing_annotation)", file.Problem!);
            else
                findings.Require(
                    $"{file.Problem} \"on_missing_annotation\": \"background\" takes such an image for one with nothing to find."
                );
        }
    }

    private static Parsed[] Parse(VocPlaces places, IReadOnlyList<string> names, bool oneBased)
    {
        var (annotations, photographs) = (places.Annotations, places.Photographs);
        var parsed = new Parsed[names.Count];
        Parallel.For(
            0,
            parsed.Length,
            i => parsed[i] = Parse(places, names[i], annotations.Find(names[i]), photographs.Find(names[i]), oneBased)
        );
        return parsed;
    }

    private static Parsed Parse(
        VocPlaces places,
        string name,
        IReadOnlyList<string> annotations,
        IReadOnlyList<string> images,
        bool oneBased
    )
    {
        var files = places.Files;
        var image = images.Count == 0 ? places.Image(name) : images[0];
        if (annotations.Count == 0 || files.LengthOf(annotations[0]) == 0)
        {
            var file = annotations.Count == 0 ? places.Annotation(name) : annotations[0];
            return new Parsed(
                name,
                new AnnotatedImage(image, 0, 0, []) { Source = files.Describe(file) },
                [],
                annotations.Count == 0
                    ? $"{files.Describe(file)} doesn't exist: it is the annotation of {name}."
                    : $"{files.Describe(file)} is empty (0 bytes).",
                Missing: true
            );
        }
        try
        {
            if (annotations.Count > 1)
                throw new UserErrorException(
                    $"{files.Describe(annotations[0])} and {files.Describe(annotations[1])}: which is the annotation of {name}?"
                );
            return Parse(files.Read(annotations[0]), files.Describe(annotations[0]), images, image, oneBased);
        }
        catch (UserErrorException e)
        {
            return new Parsed(name, null, [], e.Message);
        }
    }

    /// <summary>One file.</summary>
    private static Parsed Parse(ReadOnlyMemory<byte> bytes, string path, IReadOnlyList<string> images, string image, bool oneBased)
    {
        var root = Load(bytes, path);
        if (root.Name != "annotation")
            throw new UserErrorException($"{path}:{Line(root)}  <annotation> was expected, not <{root.Name}>.");
        if (images.Count > 1)
        {
            // The name decides; where two images have it but for the ending, what the file says.
            var said = Path.GetFileName(root.Element("filename")?.Value.Trim().Replace('\\', '/'));
            image =
                images.FirstOrDefault(file => Path.GetFileName(file) == said)
                ?? throw new UserErrorException(
                    $"{path}: {images[0]} and {images[1]} have its name, and its <filename> names neither; which image is meant?"
                );
        }
        RequireFlat(root, path);
        var (classes, objects) = (new List<string>(), new List<AnnotatedObject>());
        var stated = (Dictionary<long, string>?)null;
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
            if (VocNumbers.Fault(box) is { } fault)
                (stated ??= []).TryAdd(Line(box ?? element), fault);
            var shift = oneBased ? 1 : 0;
            objects.Add(
                new AnnotatedObject(x1 - shift, y1 - shift, x2 - x1, y2 - y1, index)
                {
                    Difficult = Flag(element, "difficult"),
                    Truncated = Flag(element, "truncated"),
                    Place = Line(box ?? element),
                }
            );
        }
        var size = root.Element("size");
        return new Parsed(
            path,
            new AnnotatedImage(image, Side(Number(size, "height")), Side(Number(size, "width")), objects)
            {
                Source = path,
                Stated = stated,
            },
            classes,
            null
        )
        {
            Surplus = Surplus(root, path),
        };

        static int Side(double value) => value is > 0 and < 1e6 ? (int)value : 0;
    }

    /// <summary>An object has one box.</summary>
    private static string[] Surplus(XElement root, string path) =>
        [
            .. root.Elements("object")
                .SelectMany(element => element.Elements("bndbox").Skip(1))
                .Select(box => $"{path}:{Line(box)}  a further <bndbox> in one <object>; each box needs an <object> of its own."),
        ];

    /// <summary>Objects within something else would be passed over.</summary>
    private static void RequireFlat(XElement root, string path)
    {
        var nested = root.Descendants("object").FirstOrDefault(element => element.Parent != root && element.Element("bndbox") is not null);
        if (nested is not null)
            throw new UserErrorException(
                $"{path}:{Line(nested)}  <object> stands in <{nested.Parent!.Name}>; it was expected directly in <annotation>."
            );
    }

    private static XElement Load(ReadOnlyMemory<byte> bytes, string path)
    {
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = MaxCharacters,
        };
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(bytes.ToArray()), settings);
            return XDocument.Load(reader, LoadOptions.SetLineInfo).Root!;
        }
        catch (XmlException e)
        {
            var what =
                bytes.Span.IndexOf("<!DOCTYPE"u8) >= 0
                    ? "a document type (<!DOCTYPE …>) may not stand in the file: take it out, with the entities that it declares."
                    : $"not XML: {e.Message}";
            throw new UserErrorException($"{path}:{Math.Max(1, e.LineNumber)}  {what}", e);
        }
    }

    private static int Line(XElement element) => ((IXmlLineInfo)element).LineNumber;

    private static double Number(XElement? parent, string name) => VocNumbers.Of(parent?.Element(name));

    private static bool Flag(XElement parent, string name) =>
        parent.Element(name)?.Value.Trim().ToLowerInvariant() is "1" or "true" or "yes";
}
