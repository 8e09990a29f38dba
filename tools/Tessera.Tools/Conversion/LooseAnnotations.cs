using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tools.Conversion;

/// <summary>Reads what lies beside images: YOLO's text files, LabelMe's JSON, or nothing at all.</summary>
/// <param name="files">Images and annotations.</param>
/// <param name="findings">Told what can't be used.</param>
internal sealed class LooseAnnotations(FileStore files, Findings findings)
{
    private readonly HashSet<string> _known = files.Names.ToHashSet(StringComparer.Ordinal);

    /// <summary>Lines of "class x y width height", the middle and the size as fractions of the image's; a folder labels beside images, or in one folder with them.</summary>
    /// <param name="names">In index order; null: classes.txt or obj.names is looked for.</param>
    public AnnotationSet Yolo(IReadOnlyList<string>? names)
    {
        names ??= _known.Where(name => Path.GetFileName(name) is "classes.txt" or "obj.names").Order(StringComparer.Ordinal).FirstOrDefault() is { } list
            ? [.. Lines(list).Select(line => line.Trim()).Where(line => line.Length > 0)]
            : throw new UserErrorException($"{files.Location}: YOLO's files number the classes; name them with --classes, or put a classes.txt beside them.");
        return new AnnotationSet(names, null, Images(image =>
        {
            var (labels, found) = (LabelsOf(image.File), new List<AnnotatedObject>());
            if (!_known.Contains(labels) || files.StampOf(labels).Length == 0) return image; // nothing to find
            var number = 0;
            foreach (var line in Lines(labels))
            {
                number++;
                var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
                if (words.Length == 0) continue;
                var values = words.Select(word => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN).ToArray();
                var what = $"{files.Describe(labels)}:{number}";
                if (values.Length < 5 || !(values[0] >= 0 && values[0] < names.Count && values[0] == Math.Floor(values[0])))
                {
                    findings.Add(values.Length < 5 ? FindingKind.BadBox : FindingKind.UnknownClass, values.Length < 5
                        ? $"{what}  \"class x y width height\" was expected." : $"{what}  class {words[0]}; there are {names.Count}, from 0.");
                    continue;
                }
                // A sixth value is a score; six and more pairs are an outline, whose box is meant.
                var (x1, y1, x2, y2) = values.Length >= 7 && values.Length % 2 == 1
                    ? Outline(values[1..])
                    : (values[1] - values[3] / 2, values[2] - values[4] / 2, values[1] + values[3] / 2, values[2] + values[4] / 2);
                found.Add(new AnnotatedObject(x1 * image.Width, y1 * image.Height, (x2 - x1) * image.Width, (y2 - y1) * image.Height, (int)values[0]) { Place = number });
            }
            return image with { Objects = found, Source = files.Describe(labels) };
        }));
    }

    /// <summary>A JSON file an image, with "shapes" of points: rectangles, polygons, circles.</summary>
    public AnnotationSet LabelMe(IReadOnlyList<string>? given)
    {
        var shapes = new List<(AnnotatedImage Image, List<(string Label, AnnotatedObject Object)> Objects)>();
        var annotations = _known.Where(name => name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal).ToArray();
        if (annotations.Length == 0) throw new UserErrorException($"{files.Location} holds no .json files.");
        var advance = new Advance("reading");
        for (var i = 0; i < annotations.Length; i++)
        {
            try
            {
                shapes.Add(LabelMeFile(annotations[i]));
            }
            catch (UserErrorException e)
            {
                findings.Add(FindingKind.BadFile, e.Message);
            }
            advance.Report(i + 1, annotations.Length);
        }
        var names = given ?? [.. shapes.SelectMany(image => image.Objects).Select(item => item.Label).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var indices = names.Select((name, i) => (name, i)).ToDictionary(entry => entry.name, entry => entry.i, StringComparer.Ordinal);
        var images = new List<AnnotatedImage>();
        foreach (var (image, objects) in shapes)
        {
            foreach (var (label, item) in objects.Where(entry => !indices.ContainsKey(entry.Label)))
                findings.Add(FindingKind.UnknownClass, $"{image.Source}: shape {item.Place} is a \"{label}\", which is none of the classes.{NearestName.Suggest(label, names)}");
            images.Add(image with { Objects = [.. objects.Where(entry => indices.ContainsKey(entry.Label)).Select(entry => entry.Object with { Class = indices[entry.Label] })] });
        }
        return new AnnotationSet(names, null, images);
    }

    /// <summary>The images alone.</summary>
    public AnnotationSet Bare(IReadOnlyList<string>? names) => new(names ?? [], null, Images(image => image));

    private List<AnnotatedImage> Images(Func<AnnotatedImage, AnnotatedImage> annotate)
    {
        var names = _known.Where(name => ImageCodec.Extensions.Contains(Path.GetExtension(name).ToLowerInvariant())).Order(StringComparer.Ordinal).ToArray();
        if (names.Length == 0) throw new UserErrorException($"{files.Location} holds no images.");
        var images = new List<AnnotatedImage>(names.Length);
        var advance = new Advance("reading");
        for (var i = 0; i < names.Length; i++)
        {
            try
            {
                images.Add(annotate(Measure(names[i])));
            }
            catch (UserErrorException e)
            {
                findings.Add(FindingKind.BadFile, e.Message);
            }
            advance.Report(i + 1, names.Length);
        }
        return images;
    }

    private AnnotatedImage Measure(string name)
    {
        var header = ImageCodec.Open(files.Read(name), files.Describe(name));
        return new AnnotatedImage(name, header.Height, header.Width, []);
    }

    private string LabelsOf(string image)
    {
        var beside = Path.ChangeExtension(image, ".txt");
        var parts = beside.Split('/');
        var at = Array.LastIndexOf(parts, "images");
        if (at < 0 || _known.Contains(beside)) return beside;
        parts[at] = "labels";
        return string.Join('/', parts);
    }

    private string[] Lines(string name) => Encoding.UTF8.GetString(files.Read(name).Span).TrimStart('\uFEFF').Split('\n');

    private (AnnotatedImage Image, List<(string Label, AnnotatedObject Object)> Objects) LabelMeFile(string name)
    {
        var path = files.Describe(name);
        try
        {
            var root = JsonNode.Parse(files.Read(name).Span) as JsonObject ?? throw new UserErrorException($"{path}: an object was expected.");
            var file = (string?)root["imagePath"] ?? throw new UserErrorException($"{path} has no \"imagePath\": it is not LabelMe's.");
            var folder = Path.GetDirectoryName(name)!.Replace('\\', '/');
            var image = (folder.Length > 0 ? folder + "/" : "") + Path.GetFileName(file.Replace('\\', '/')); // often a path of the annotator's machine
            var known = _known.Contains(image);
            if (!known) findings.Add(FindingKind.MissingImage, $"{path}: {files.Describe(image)} doesn't exist.");
            var (height, width) = ((int?)root["imageHeight"] ?? 0, (int?)root["imageWidth"] ?? 0);
            var size = known && (height <= 0 || width <= 0) ? Measure(image) : new AnnotatedImage(image, height, width, []);
            var objects = new List<(string, AnnotatedObject)>();
            foreach (var shape in root["shapes"] as JsonArray ?? [])
            {
                var place = objects.Count + 1;
                var points = (shape?["points"] as JsonArray ?? []).SelectMany(point => ((JsonArray)point!).Select(value => (double)value!)).ToArray();
                var (x1, y1, x2, y2) = points.Length >= 4 && points.Length % 2 == 0 ? Outline(points) : (double.NaN, double.NaN, double.NaN, double.NaN);
                if ((string?)shape?["shape_type"] == "circle" && points.Length == 4)
                {
                    var radius = Math.Sqrt(Math.Pow(points[2] - points[0], 2) + Math.Pow(points[3] - points[1], 2)); // a centre and a point of the rim
                    (x1, y1, x2, y2) = (points[0] - radius, points[1] - radius, points[0] + radius, points[1] + radius);
                }
                objects.Add(((string?)shape?["label"] ?? "", new AnnotatedObject(x1, y1, x2 - x1, y2 - y1, -1) { Place = place }));
            }
            return (size with { Source = path }, objects);
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"{path}:{(e.LineNumber ?? 0) + 1}  not JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or InvalidCastException or FormatException)
        {
            throw new UserErrorException($"{path} is not LabelMe's: a value is of another kind than expected. {e.Message}", e);
        }
    }

    /// <summary>The box around points.</summary>
    private static (double X1, double Y1, double X2, double Y2) Outline(double[] points)
    {
        var (xs, ys) = (points.Where((_, i) => i % 2 == 0).ToArray(), points.Where((_, i) => i % 2 == 1).ToArray());
        return (xs.Min(), ys.Min(), xs.Max(), ys.Max());
    }
}
