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
    private readonly List<string> _ambiguous = [];
    private readonly List<CenteredBox> _boxes = [];
    private long _outlines,
        _keyPoints,
        _certain;

    private FileStore Files => images.Files;

    /// <param name="given">The classes in index order; null: data.yaml, classes.txt or obj.names is looked for.</param>
    public AnnotationSet Read(IReadOnlyList<string>? given)
    {
        var about = given is not null && !Files.Names.Any(IsYaml) ? new YoloNames(given, null) : About(given);
        var (used, without) = (new Dictionary<string, string>(StringComparer.Ordinal), new List<string>());
        var read = images.Read(image => Annotated(image, about, used, without));
        if (_ambiguous.Count > 0 && _certain == 0)
            images.Findings.Require(
                $"{_ambiguous[0]}  a box with key points of two values, or an outline? Nothing in the labels tells. Write \"kpt_shape: "
                    + $"[number of points, 2]\" into data.yaml, or give --outlines."
            );
        if (CenteredBoxJudgement.Fault(_boxes) is { } fault)
            throw new UserErrorException($"{Files.Location}: {fault}");
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
            var values = Array.ConvertAll(words, LooseImages.Number);
            if (values.Length < 5)
            {
                images.Findings.Add(FindingKind.BadBox, $"{what}  \"class x y width height\" was expected.");
                continue;
            }
            if (!(values[0] >= 0 && values[0] < about.Classes.Count && values[0] == Math.Floor(values[0])))
            {
                images.Findings.Add(FindingKind.UnknownClass, $"{what}  class {words[0]}; there are {about.Classes.Count}, from 0.");
                continue;
            }
            if (Box(values, about, what, out var isOutline) is not var (x1, y1, x2, y2))
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

    /// <summary>The corners as fractions; null where the line has too few or too many values.</summary>
    /// <param name="outlined">The line is an outline's points.</param>
    private (double X1, double Y1, double X2, double Y2)? Box(double[] values, YoloNames about, string what, out bool outlined)
    {
        outlined = false;
        var box = (values[1] - values[3] / 2, values[2] - values[4] / 2, values[1] + values[3] / 2, values[2] + values[4] / 2);
        if (values.Length <= 6) // a sixth value is a score
        {
            _boxes.Add(new CenteredBox(values[1], values[2], values[3], values[4], what));
            return box;
        }
        if (about.KeyPoints is var (count, each) && count > 0)
        {
            if (values.Length == 5 + count * each)
            {
                _keyPoints++;
                return box;
            }
            images.Findings.Add(
                FindingKind.BadBox,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{what}  {values.Length} values; a class, a box and {count} key points of {each} are {5 + count * each}."
                )
            );
            return null;
        }
        var isOutline = values.Length % 2 == 1;
        if (!outlines && Holds(values, 3))
        {
            _keyPoints++;
            return box;
        }
        if (!isOutline)
        {
            images.Findings.Add(
                FindingKind.BadBox,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{what}  {values.Length} values: neither a class and a box (5), nor an outline's points (an odd number), nor a "
                        + $"box and key points of x, y, visibility."
                )
            );
            return null;
        }
        if (!outlines && Holds(values, 2))
            _ambiguous.Add(what);
        else
            _certain++;
        _outlines++;
        outlined = true;
        return LooseImages.Outline(values[1..]);
    }

    /// <summary>The values can be a box and key points that lie in it.</summary>
    /// <param name="each">Values of a key point: x and y, or with a visibility of 0, 1 or 2.</param>
    private static bool Holds(double[] values, int each)
    {
        if ((values.Length - 5) % each != 0 || !(values[3] > 0 && values[4] > 0))
            return false;
        const double Slack = 0.02;
        var (x, y, width, height) = (values[1], values[2], values[3] / 2 + Slack, values[4] / 2 + Slack);
        if (!(x - width >= -2 * Slack && y - height >= -2 * Slack && x + width <= 1 + 2 * Slack && y + height <= 1 + 2 * Slack))
            return false;
        for (var at = 5; at < values.Length; at += each)
        {
            if (each == 3 && values[at + 2] is not (0 or 1 or 2))
                return false;
            var hidden = each == 3 ? values[at + 2] == 0 : values[at] == 0 && values[at + 1] == 0;
            if (!hidden && !(Math.Abs(values[at] - x) <= width && Math.Abs(values[at + 1] - y) <= height))
                return false;
        }
        return true;
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
        if (_outlines > 0)
            findings.Note(
                string.Create(CultureInfo.InvariantCulture, $"{_outlines:N0} lines are outlines: masks, with the box around each.")
            );
        if (_keyPoints > 0)
            findings.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{_keyPoints:N0} lines have key points behind the box; the boxes are taken, the points are not."
                )
            );
        var lone = Files.Names.Where(name =>
            name.EndsWith(".txt", StringComparison.OrdinalIgnoreCase) && !used.ContainsKey(name) && !lists.Contains(Path.GetFileName(name))
        );
        foreach (var name in lone)
        {
            // Other texts (a readme, lists of images) begin with words.
            if (
                images
                    .Lines(name)
                    .FirstOrDefault(line => line.Trim().Length > 0)
                    ?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                    is { Length: >= 5 } words
                && words.All(word => double.IsFinite(LooseImages.Number(word)))
            )
                findings.Add(FindingKind.MissingImage, $"{Files.Describe(name)}: there is no image for these labels.");
            else
                findings.LeaveOut(LeftOutKind.File, "text files that are no labels", Files.Describe(name));
        }
    }

    private string? LabelsOf(string image)
    {
        var stem = Path.ChangeExtension(image, null);
        var parts = stem.Split('/');
        foreach (var wanted in Candidates())
        {
            var found = _texts.Find(wanted);
            if (found.Count == 1 && !s_lists.Contains(Path.GetFileName(found[0]), StringComparer.OrdinalIgnoreCase))
                return found[0];
            if (found.Count > 1)
                throw new UserErrorException(
                    $"{Files.Describe(found[0])} and {Files.Describe(found[1])}: which holds the labels of {image}?"
                );
        }
        return null;

        IEnumerable<string> Candidates()
        {
            yield return stem;
            for (var at = parts.Length - 2; at >= 0; at--)
                if (parts[at].Equals("images", StringComparison.OrdinalIgnoreCase))
                    yield return string.Join('/', [.. parts[..at], "labels", .. parts[(at + 1)..]]);
        }
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
