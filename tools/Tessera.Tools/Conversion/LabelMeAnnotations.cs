using System.Globalization;
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
    private readonly HashSet<string> _known;
    private readonly ILookup<string, string> _byLastPart;
    private readonly LabelMeShapes _shapes;
    private readonly List<(AnnotatedImage Image, List<(string Label, AnnotatedObject Object)> Objects)> _read = [];
    private long _grouped;
    private bool _hasFlags;

    public LabelMeAnnotations(LooseImages images)
    {
        _images = images;
        _shapes = new LabelMeShapes(images.Findings);
        _known = images.Files.Names.ToHashSet(StringComparer.Ordinal);
        _byLastPart = images
            .Files.Names.Where(ImageCodec.HasExtension)
            .ToLookup(name => ClassNames.Normalize(Path.GetFileName(name)), StringComparer.OrdinalIgnoreCase);
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
                _read.Add(ReadFile(annotations[i]));
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

    private (AnnotatedImage Image, List<(string Label, AnnotatedObject Object)> Objects) ReadFile(string name)
    {
        var path = Files.Describe(name);
        try
        {
            var bytes = Files.Read(name).Span;
            LooseImages.RequireUtf8(bytes, path);
            var root =
                JsonNode.Parse(bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes) as JsonObject
                ?? throw new UserErrorException($"{path}: an object was expected.");
            if (root["shapes"] is not JsonArray shapes)
                throw new UserErrorException($"{path} has no list \"shapes\": it is not LabelMe's.");
            var image = ImageOf(
                name,
                path,
                (string?)root["imagePath"] ?? throw new UserErrorException($"{path} has no \"imagePath\": it is not LabelMe's."),
                out var there
            );
            var (height, width) = ((int?)root["imageHeight"] ?? 0, (int?)root["imageWidth"] ?? 0);
            var size = there && (height <= 0 || width <= 0) ? _images.Measure(image) : new AnnotatedImage(image, height, width, []);
            _hasFlags |= root["flags"] is JsonObject { Count: > 0 };
            return (
                size with
                {
                    Source = path,
                    PlacesOf = "shape",
                },
                [
                    .. _shapes
                        .Read(shapes, path, size.Height, size.Width, ref _grouped)
                        .Select(shape => (shape.Label, shape.Object(size.Height, size.Width))),
                ]
            );
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

    /// <summary>Where the image lies: by the path from the file, or, since that often is one of the annotator's machine, by its last
    /// part.</summary>
    private string ImageOf(string name, string path, string said, out bool there)
    {
        var folder = Path.GetDirectoryName(name)!.Replace('\\', '/');
        var last = Path.GetFileName(said.Replace('\\', '/'));
        var beside = folder.Length > 0 ? $"{folder}/{last}" : last;
        there = true;
        if (Relative(folder, said.Replace('\\', '/')) is { } relative && _known.Contains(relative))
            return relative;
        if (_known.Contains(beside))
            return beside;
        var same = _byLastPart[ClassNames.Normalize(last)].ToArray();
        if (
            same.Length > 1
            && same.Where(file => file.StartsWith(folder.Length > 0 ? folder + "/" : "", StringComparison.Ordinal)).ToArray() is [var near]
        )
            same = [near];
        if (same.Length == 1)
            return same[0];
        there = false;
        Findings.Add(
            FindingKind.MissingImage,
            same.Length == 0
                ? $"{path}: {Files.Describe(beside)} doesn't exist."
                : $"{path}: {Files.Describe(beside)} doesn't exist; {string.Join(" and ", same.Take(3).Select(Files.Describe))} do. "
                    + $"Which is meant?"
        );
        return beside;
    }

    private static string? Relative(string folder, string path)
    {
        if (path.StartsWith('/') || path.Contains(':', StringComparison.Ordinal))
            return null;
        var parts = folder.Length > 0 ? folder.Split('/').ToList() : [];
        foreach (var part in path.Split('/'))
        {
            if (part is "" or ".")
                continue;
            if (part != "..")
                parts.Add(part);
            else if (parts.Count > 0)
                parts.RemoveAt(parts.Count - 1);
            else
                return null;
        }
        return string.Join('/', parts);
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
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{_grouped:N0} shapes are further parts of a group (group_id) of their label; each group has one box around all "
                        + $"its parts, which are together its mask."
                )
            );
        foreach (var name in Files.Names.Where(name => ImageCodec.HasExtension(name) && !used.ContainsKey(name)))
            Findings.LeaveOut(LeftOutKind.Image, "images without a .json file", Files.Describe(name));
        foreach (var name in Files.Names)
            if (ImageCodec.UnreadableFormat(name) is { } format && !used.ContainsKey(name))
                Findings.LeaveOut(LeftOutKind.Image, $"{format} files, which can't be read", Files.Describe(name));
    }
}
