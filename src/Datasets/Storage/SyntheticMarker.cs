namespace Tessera.Datasets.Storage;

/// <summary>The file that says of a folder, and of all below it, that its images were made by a model and not taken: such images may be
/// trained on, never measured with.</summary>
public static class SyntheticMarker
{
    /// <summary>The file's name. Its lines tell where each image comes from.</summary>
    public const string FileName = "synthetic.jsonl";

    /// <summary>Looks for the file beside images and in every folder above them, those above the data's own folder too.</summary>
    /// <param name="files">Where the images lie.</param>
    /// <param name="names">The images' names there.</param>
    /// <returns>The first such file, as a person finds it; null where there is none.</returns>
    public static string? Above(FileStore files, IEnumerable<string> names)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var onDisk = Directory.Exists(files.Location);
        foreach (var name in names)
        {
            if (onDisk)
            {
                if (InFolders(Path.GetDirectoryName(Path.GetFullPath(Path.Combine(files.Location, name))), seen) is { } found)
                    return found;
                continue;
            }
            for (var end = name.LastIndexOf('/'); ; end = name.LastIndexOf('/', end - 1))
            {
                var marker = end < 0 ? FileName : $"{name[..end]}/{FileName}";
                if (!seen.Add(marker))
                    break;
                if (files.Contains(marker))
                    return files.Describe(marker);
                if (end <= 0)
                    break;
            }
        }
        return onDisk ? null : InFolders(Path.GetDirectoryName(Path.GetFullPath(files.Location)), seen);
    }

    private static string? InFolders(string? folder, HashSet<string> seen)
    {
        for (; folder is not null && seen.Add(folder); folder = Path.GetDirectoryName(folder))
        {
            var marker = Path.Combine(folder, FileName);
            if (File.Exists(marker))
                return marker;
        }
        return null;
    }
}
