namespace Tessera.Datasets.Detection;

/// <summary>File names as annotation tools write them.</summary>
internal static class CocoNames
{
    /// <summary>The name with single forward slashes and without "./"; of a URL, the path behind the host.</summary>
    /// <returns>null where it leads out of its folder, or names nothing.</returns>
    public static string? Clean(string name, out bool isUrl)
    {
        isUrl = name.IndexOf("://", StringComparison.Ordinal) is > 0 and var end && name[..end].All(char.IsAsciiLetterOrDigit);
        if (isUrl)
        {
            var path = name[(name.IndexOf("://", StringComparison.Ordinal) + 3)..].Split('?', '#')[0];
            name = Uri.UnescapeDataString(
                path.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? path[slash..].TrimStart('/') : ""
            );
        }
        else if (Path.IsPathRooted(name) || name.StartsWith('\\'))
        {
            return null;
        }
        var parts = name.Split('/', '\\').Where(part => part is not ("" or ".")).ToArray();
        return parts.Length == 0 || parts.Contains("..") ? null : string.Join('/', parts);
    }

    /// <summary>What a clean name stands for on disk.</summary>
    public static string Named(string name, CocoNaming naming)
    {
        if (naming == CocoNaming.FileName)
            return name;
        var parts = name.Split('/');
        if (naming == CocoNaming.Patch)
            return parts is [.., var folder, var file] && folder.StartsWith("patch", StringComparison.Ordinal)
                ? $"{folder}/{file}"
                : parts[^1];
        // LVIS v0.5: COCO_val2014_000000391895.jpg is 000000391895.jpg in the folders of 2017.
        return parts.Length == 1 && name.StartsWith("COCO_", StringComparison.Ordinal)
            ? name[(name.LastIndexOf('_') + 1)..]
            : string.Join('/', parts[Math.Max(0, parts.Length - 2)..]);
    }
}
