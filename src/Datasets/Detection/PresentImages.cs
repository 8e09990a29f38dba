using System.Globalization;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>Finds the images that annotations name: by the very name, or, where only one can be meant, by one in other letters (upper or
/// lower case, Unicode forms) or below fewer folders of a URL.</summary>
internal sealed class PresentImages
{
    private readonly HashSet<string> _known;
    private readonly Dictionary<string, List<string>> _loose = new(StringComparer.OrdinalIgnoreCase);

    private PresentImages(IReadOnlyList<string> names)
    {
        _known = names.ToHashSet(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var key = ClassNames.Normalize(name);
            if (!_loose.TryGetValue(key, out var same))
                _loose.Add(key, same = []);
            same.Add(name);
        }
    }

    /// <summary>Those of the images that are there, each by the name it has there; the others are told.</summary>
    /// <param name="ownFolder">Count what no annotation names, too.</param>
    public static List<AnnotatedImage> Of(FileStore files, IReadOnlyList<AnnotatedImage> images, Findings findings, bool ownFolder)
    {
        var (names, unreadable) = (new PresentImages(files.Names), new UnreadableImages(files));
        var present = new List<AnnotatedImage>(images.Count);
        var used = images.Where(image => names._known.Contains(image.File)).Select(image => image.File).ToHashSet(StringComparer.Ordinal);
        var (other, first) = (0L, "");
        foreach (var image in images)
        {
            if (names._known.Contains(image.File))
            {
                present.Add(image);
                continue;
            }
            var found = names.Find(image);
            if (found is [var one] && used.Add(one))
            {
                if (other++ == 0)
                    first = $"{one} for {image.File}";
                present.Add(image with { File = one });
                continue;
            }
            var why =
                found.Count == 0 ? ""
                : found.Count == 1 ? $" ({found[0]} is there, but it is another annotation's)"
                : $" ({string.Join(" and ", found.Take(3))} are there; which is meant?)";
            findings.Add(
                FindingKind.MissingImage,
                $"{image.Source ?? $"image {image.Id}"}: {files.Describe(image.File)} doesn't exist{why}."
                    + unreadable.Instead(Path.ChangeExtension(image.File, null))
            );
        }
        if (other > 0)
            findings.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{other:N0} images are annotated by names that differ from their files' in case, Unicode form or folders. The "
                        + $"first: {first}."
                )
            );
        if (ownFolder)
            foreach (var name in files.Names)
            {
                if (used.Contains(name))
                    continue;
                if (ImageCodec.HasExtension(name))
                    findings.LeaveOut(LeftOutKind.File, "images that no annotation names", files.Describe(name));
                else if (ImageCodec.UnreadableFormat(name) is { } format)
                    findings.LeaveOut(LeftOutKind.File, $"{format} files, which can't be read", files.Describe(name));
            }
        return present;
    }

    private List<string> Find(AnnotatedImage image)
    {
        var name = ClassNames.Normalize(image.File);
        if (_loose.TryGetValue(name, out var found))
            return found;
        if (!image.IsFromUrl)
            return [];
        for (var at = name.IndexOf('/', StringComparison.Ordinal); at >= 0; at = name.IndexOf('/', at + 1))
            if (_loose.TryGetValue(name[(at + 1)..], out found))
                return found;
        return [];
    }
}
