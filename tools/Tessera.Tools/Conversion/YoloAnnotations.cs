using System.Globalization;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Conversion;

/// <summary>Reads YOLO's text files: lines of "class x y width height", the middle and the size as fractions of the image's; with key
/// points behind the box, or an outline's points in its place.</summary>
/// <param name="images">Images, and label files beside them or in a folder labels beside their folder images.</param>
/// <param name="outlines">Numbers behind the class are an outline's points even where they could be a box with key points.</param>
internal sealed class YoloAnnotations(LooseImages images, bool outlines)
{
    private static readonly string[] s_lists = ["classes.txt", "obj.names", "classes.names", "_darknet.labels"];

    private readonly StemIndex _texts = new(images.Files, "", name => name.EndsWith(".txt", StringComparison.OrdinalIgnoreCase));
    private readonly Lazy<HashSet<string>> _wanted = new(() =>
        images.Files.Names.Where(ImageCodec.HasExtension).SelectMany(Candidates).ToHashSet(StringComparer.Ordinal)
    );
    private readonly YoloLines _lines = new(images.Findings, outlines);

    private FileStore Files => images.Files;

    /// <param name="given">The classes in index order; null: data.yaml, classes.txt or obj.names is looked for.</param>
    public AnnotationSet Read(IReadOnlyList<string>? given)
    {
        var about = given is not null && !Files.Names.Any(IsYaml) ? new YoloNames(given, null) : About(given);
        var (used, without) = (new Dictionary<string, string>(StringComparer.Ordinal), new List<string>());
        var read = images.Read(image => Annotated(image, about, used, without));
        _lines.Judge(Files.Location);
        Tell(used, without, read.Count);
        return new AnnotationSet(about.Classes, null, read);
    }

    private AnnotatedImage Annotated(AnnotatedImage image, YoloNames about, Dictionary<string, string> used, List<string> without)
    {
        if (LabelsOf(image.File) is not { } labels)
        {
            without.Add(Files.Describe(image.File));
            return image;
        }
        if (!used.TryAdd(labels, image.File))
            throw new UserErrorException($"{Files.Describe(labels)} would be the labels of two images, {used[labels]} and {image.File}.");
        var (found, number) = (new List<AnnotatedObject>(), 0);
        foreach (var line in images.Lines(labels))
        {
            number++;
            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                continue;
            var what = $"{Files.Describe(labels)}:{number}";
            if (_lines.Read(words, about, what) is not var (values, (x1, y1, x2, y2), isOutline))
                continue;
            var item = new AnnotatedObject(
                x1 * image.Width,
                y1 * image.Height,
                (x2 - x1) * image.Width,
                (y2 - y1) * image.Height,
                (int)values[0]
            )
            {
                Place = number,
                Mask = isOutline ? OutlinedObject.Scaled(values[1..], image.Height, image.Width) : null,
            };
            found.Add(OutlinedObject.Measured(item, image.Height, image.Width));
        }
        return image with { Objects = found, Source = Files.Describe(labels) };
    }

    private void Tell(Dictionary<string, string> used, List<string> without, int count)
    {
        var (findings, lists) = (images.Findings, s_lists.ToHashSet(StringComparer.OrdinalIgnoreCase));
        if (used.Count == 0)
            throw new UserErrorException(
                $"{Files.Location}: none of the {count} images has a label file. Each has a .txt of its own name beside it, or in a "
                    + $"folder \"labels\" beside the folder \"images\"."
            );
        if (without.Count > 0)
            findings.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{without.Count:N0} of {count:N0} images have no label file and are taken for background. The first: {without[0]}."
                )
            );
        _lines.Tell();
        var lone = Files.Names.Where(name =>
            name.EndsWith(".txt", StringComparison.OrdinalIgnoreCase) && !used.ContainsKey(name) && !lists.Contains(Path.GetFileName(name))
        );
        var unreadable = Files
            .Names.Where(name => ImageCodec.UnreadableFormat(name) is not null)
            .SelectMany(name => Candidates(name).Select(stem => (Stem: stem, Name: name)))
            .ToLookup(entry => entry.Stem, entry => entry.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var name in lone)
        {
            // Other texts (a readme, lists of images) begin with words.
            if (
                images
                    .Lines(name, anyBytes: true)
                    .FirstOrDefault(line => line.Trim().Length > 0)
                    ?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                    is { Length: >= 5 } words
                && words.All(word => double.IsFinite(LooseImages.Number(word)))
            )
                findings.Add(FindingKind.MissingImage, $"{Files.Describe(name)}: there is no image for these labels.{Instead(name)}");
            else
                findings.LeaveOut(LeftOutKind.File, "text files that are no labels", Files.Describe(name));
        }

        string Instead(string labels) =>
            unreadable[Path.ChangeExtension(labels, null)].FirstOrDefault() is { } image
                ? " " + new UnreadableImages(Files).Describe(image)
                : "";
    }

    private string? LabelsOf(string image)
    {
        foreach (var wanted in Candidates(image))
        {
            // In another case it is this image's only where no image has that very name.
            var found = _texts
                .Find(wanted)
                .Where(text => Path.ChangeExtension(text, null) is var own && (own == wanted || !_wanted.Value.Contains(own)))
                .ToArray();
            if (found.Length == 1 && !s_lists.Contains(Path.GetFileName(found[0]), StringComparer.OrdinalIgnoreCase))
                return found[0];
            if (found.Length > 1)
                throw new UserErrorException(
                    $"{Files.Describe(found[0])} and {Files.Describe(found[1])}: which holds the labels of {image}?"
                );
        }
        return null;
    }

    /// <summary>Where an image's labels may lie, without their ending.</summary>
    private static IEnumerable<string> Candidates(string image)
    {
        var stem = Path.ChangeExtension(image, null);
        var parts = stem.Split('/');
        yield return stem;
        for (var at = parts.Length - 2; at >= 0; at--)
            if (parts[at].Equals("images", StringComparison.OrdinalIgnoreCase))
                yield return string.Join('/', [.. parts[..at], "labels", .. parts[(at + 1)..]]);
    }

    private YoloNames About(IReadOnlyList<string>? given)
    {
        var found = new List<(string Path, YoloNames Names)>();
        foreach (var name in Files.Names.Where(IsYaml))
            if (YoloNames.FromYaml(Files.Describe(name), images.Lines(name)) is { } names)
                found.Add((Files.Describe(name), names));
        if (given is null)
            foreach (var name in Files.Names.Where(name => s_lists.Contains(Path.GetFileName(name), StringComparer.OrdinalIgnoreCase)))
                found.Add((Files.Describe(name), YoloNames.FromList(Files.Describe(name), images.Lines(name))));
        if (given is not null)
            return new YoloNames(given, found.Select(entry => entry.Names.KeyPoints).FirstOrDefault(shape => shape is not null));
        if (found.Count == 0)
            throw new UserErrorException(
                $"{Files.Location}: YOLO's files number the classes; name them with --classes, or put a data.yaml or a classes.txt "
                    + $"beside them."
            );
        var (first, chosen) = found[0];
        foreach (var (path, names) in found)
            if (!names.Classes.SequenceEqual(chosen.Classes))
                throw new UserErrorException(
                    $"{first} and {path} name the classes otherwise ({string.Join(", ", chosen.Classes.Take(8))}; "
                        + $"{string.Join(", ", names.Classes.Take(8))}). Say which is right with --classes."
                );
        return chosen;
    }

    private static bool IsYaml(string name) => Path.GetExtension(name).ToLowerInvariant() is ".yaml" or ".yml";
}
