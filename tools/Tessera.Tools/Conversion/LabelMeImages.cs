using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Conversion;

/// <summary>Finds the images that LabelMe's files name.</summary>
internal sealed class LabelMeImages
{
    private readonly FileStore _files;
    private readonly Findings _findings;
    private readonly UnreadableImages _unreadable;
    private readonly HashSet<string> _known;
    private readonly ILookup<string, string> _byLastPart;

    public LabelMeImages(LooseImages images)
    {
        (_files, _findings, _unreadable) = (images.Files, images.Findings, new UnreadableImages(images.Files));
        _known = _files.Names.ToHashSet(StringComparer.Ordinal);
        _byLastPart = _files
            .Names.Where(ImageCodec.HasExtension)
            .ToLookup(name => ClassNames.Normalize(Path.GetFileName(name)), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Where the image lies: by the path from the file, or, since that often is one of the annotator's machine, by its last
    /// part.</summary>
    /// <param name="name">The JSON file.</param>
    /// <param name="said">What it says of its image.</param>
    /// <param name="there">There is such an image, of a format that can be read; otherwise that is told.</param>
    /// <exception cref="UserErrorException">It names no file.</exception>
    public string Find(string name, string said, out bool there)
    {
        var path = _files.Describe(name);
        var folder = Path.GetDirectoryName(name)!.Replace('\\', '/');
        var last = Path.GetFileName(said.Replace('\\', '/')).Trim();
        var beside = folder.Length > 0 ? $"{folder}/{last}" : last;
        if (last.Length == 0)
            throw new UserErrorException(
                $"{path}: \"imagePath\" is {(said.Length == 0 ? "empty" : $"\"{said}\"")}; the name of its image was expected.{Near(name)}"
            );
        there = true;
        if (Relative(folder, said.Replace('\\', '/')) is { } relative && _known.Contains(relative))
            return Readable(relative, path, out there);
        if (_known.Contains(beside))
            return Readable(beside, path, out there);
        var same = _byLastPart[ClassNames.Normalize(last)].ToArray();
        if (
            same.Length > 1
            && same.Where(file => file.StartsWith(folder.Length > 0 ? folder + "/" : "", StringComparison.Ordinal)).ToArray() is [var near]
        )
            same = [near];
        if (same.Length == 1)
            return same[0];
        there = false;
        _findings.Add(
            FindingKind.MissingImage,
            same.Length == 0
                ? $"{path}: {_files.Describe(beside)} doesn't exist.{_unreadable.Instead(Path.ChangeExtension(beside, null))}"
                : $"{path}: {_files.Describe(beside)} doesn't exist; {string.Join(" and ", same.Take(3).Select(_files.Describe))} do. "
                    + $"Which is meant?"
        );
        return beside;
    }

    private string Readable(string image, string path, out bool there)
    {
        there = ImageCodec.UnreadableFormat(image) is null;
        if (!there)
            _findings.Add(FindingKind.MissingImage, $"{path}: its image can't be read. {_unreadable.Describe(image)}");
        return image;
    }

    /// <summary>The image of a file's own name.</summary>
    private string Near(string name)
    {
        var stem = Path.ChangeExtension(name, null);
        var image = _files.Names.FirstOrDefault(file => ImageCodec.HasExtension(file) && Path.ChangeExtension(file, null) == stem);
        return image is null ? "" : $" Is it \"{Path.GetFileName(image)}\", which lies beside it?";
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
}
