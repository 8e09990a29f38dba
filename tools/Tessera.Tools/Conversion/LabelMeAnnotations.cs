using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;

namespace Tessera.Tools.Conversion;

/// <summary>Reads LabelMe's files: a JSON file an image, with "shapes" of points. Shapes of one group and one label are parts of one
/// object.</summary>
internal sealed class LabelMeAnnotations
{
    private readonly LooseImages _images;
    private readonly LabelMeImages _places;
    private readonly LabelMeShapes _shapes;
    private readonly List<(AnnotatedImage Image, List<(string Label, AnnotatedObject Object)> Objects)> _read = [];
    private long _grouped;
    private bool _hasFlags;

    public LabelMeAnnotations(LooseImages images)
    {
        _images = images;
        _shapes = new LabelMeShapes(images.Findings);
        _places = new LabelMeImages(images);
    }

    private FileStore Files => _images.Files;

    private Findings Findings => _images.Findings;

    /// <param name="given">The classes in order; null: those that occur, in ordinal order.</param>
    public AnnotationSet Read(IReadOnlyList<string>? given)
    {
        var annotations = Files.Names.Where(name => name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)).ToArray();
        if (annotations.Length == 0)
            throw new UserErrorException($"{Files.Location} holds no .json files.");
        var advance = new Advance("reading");
        for (var i = 0; i < annotations.Length; i++)
        {
            try
            {
                if (ReadFile(annotations[i]) is { } read)
                    _read.Add(read);
            }
            catch (UserErrorException e)
            {
                Findings.Add(FindingKind.BadFile, e.Message);
            }
            advance.Report(i + 1, annotations.Length);
        }
        RequireShapes(annotations.Length);
        Tell();
        var names =
            given
            ??
            [
                .. _read
                    .SelectMany(image => image.Objects)
                    .Select(item => item.Label)
                    .Where(label => label.Length > 0)
                    .Distinct(StringComparer.Ordinal)
                    .Order(StringComparer.Ordinal),
            ];
        var indices = names.Select((name, i) => (name, i)).ToDictionary(entry => entry.name, entry => entry.i, StringComparer.Ordinal);
        var images = new List<AnnotatedImage>();
        foreach (var (image, objects) in _read)
        {
            foreach (var (label, item) in objects.Where(entry => !indices.ContainsKey(entry.Label)))
                Findings.Add(
                    FindingKind.UnknownClass,
                    label.Length == 0
                        ? $"{image.Source}: shape {item.Place} has no label."
                        : $"{image.Source}: shape {item.Place} is a \"{label}\", which is none of the "
                            + $"classes.{NearestName.Suggest(label, names)}"
                );
            images.Add(
                image with
                {
                    Objects =
                    [
                        .. objects
                            .Where(entry => indices.ContainsKey(entry.Label))
                            .Select(entry => entry.Object with { Class = indices[entry.Label] }),
                    ],
                }
            );
        }
        return new AnnotationSet(names, null, images);
    }

    /// <returns>null where the image can't be read, which is told.</returns>
    private (AnnotatedImage Image, List<(string Label, AnnotatedObject Object)> Objects)? ReadFile(string name)
    {
        var path = Files.Describe(name);
        try
        {
            var root =
                JsonNode.Parse(Utf8Text.Read(Files.Read(name).Span, path).TrimStart('\uFEFF')) as JsonObject
                ?? throw new UserErrorException($"{path}: an object was expected.");
            if (root["shapes"] is not JsonArray shapes)
                throw new UserErrorException($"{path} has no list \"shapes\": it is not LabelMe's.");
            var said =
                LabelMeValues.Text(root, "imagePath", path, "")
                ?? throw new UserErrorException($"{path} has no \"imagePath\": it is not LabelMe's.");
            var image = _places.Find(name, said, out var there);
            var (height, width) = (LabelMeValues.Side(root, "imageHeight", path), LabelMeValues.Side(root, "imageWidth", path));
            var size = there && (height <= 0 || width <= 0) ? _images.Measure(image) : new AnnotatedImage(image, height, width, []);
            _hasFlags |= root["flags"] is JsonObject { Count: > 0 };
            var objects = _shapes
                .Read(shapes, path, size.Height, size.Width, ref _grouped)
                .Select(shape => (shape.Label, shape.Object(size.Height, size.Width)))
                .ToList();
            return there ? (size with { Source = path, PlacesOf = "shape" }, objects) : null;
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

    /// <summary>Without a shape there is nothing to convert.</summary>
    private void RequireShapes(int files)
    {
        if (_shapes.Count > 0 || Findings.CountOf(FindingKind.BadFile) > 0)
            return;
        var flags = _hasFlags ? " \"flags\" classify whole images, which this tool doesn't convert." : "";
        throw new UserErrorException(
            $"{Files.Location}: there is no shape in any file ({Counted.Of(files, ".json file")}), so no box to convert.{flags}"
        );
    }

    private void Tell()
    {
        _shapes.Tell();
        var used = new Dictionary<string, string?>(StringComparer.Ordinal);
        _read.RemoveAll(entry =>
        {
            if (used.TryAdd(entry.Image.File, entry.Image.Source))
                return false;
            Findings.Add(
                FindingKind.Duplicate,
                $"{used[entry.Image.File]} and {entry.Image.Source} are both annotations of {entry.Image.File}."
            );
            return true;
        });
        if (_grouped > 0)
            Findings.Note(
                $"{Counted.Of(_grouped, "shape")} {(_grouped == 1 ? "is a further part" : "are further parts")} of a group (group_id) of "
                    + "one label; each group has one box around all its parts, which are together its mask."
            );
        foreach (var name in Files.Names.Where(name => ImageCodec.HasExtension(name) && !used.ContainsKey(name)))
            Findings.LeaveOut(LeftOutKind.Image, "images without a .json file", Files.Describe(name));
        foreach (var name in Files.Names)
            if (ImageCodec.UnreadableFormat(name) is { } format && !used.ContainsKey(name))
                Findings.LeaveOut(LeftOutKind.Image, $"{format} files, which can't be read", Files.Describe(name));
    }
}
