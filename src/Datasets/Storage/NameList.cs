using Tessera.Datasets.Images;

namespace Tessera.Datasets.Storage;

/// <summary>A line of a list: the name it means, and the mark of a class's own list (-1, 0 or 1).</summary>
internal readonly record struct ListedName(int Line, string Name, string? Mark);

/// <summary>Lists of images as Pascal VOC's ImageSets hold them: a name a line. Endings, folders, blanks in names, CRLF and a byte order
/// mark are put up with.</summary>
internal static class NameList
{
    private static readonly string[] s_folders = ["JPEGImages", "Annotations", "images"];

    /// <param name="exists">Whether there is something of this name, without folder and ending.</param>
    /// <exception cref="UserErrorException">There is no such list, it is no UTF-8, it names nothing, or a name leads out of the
    /// folder.</exception>
    public static List<ListedName> Read(FileStore files, string list, Func<string, bool> exists)
    {
        if (!files.Contains(list))
            throw NoList(files, list);
        var (names, number) = (new List<ListedName>(), 0);
        if (files.LengthOf(list) > 0)
            foreach (var raw in Utf8Text.Read(files.Read(list).Span, files.Describe(list)).TrimStart('\uFEFF').Split('\n'))
            {
                number++;
                foreach (var text in raw.Split('\r').Select(part => part.Trim()).Where(part => part.Length > 0))
                    names.Add(Resolve(files, list, number, text, exists));
            }
        return names.Count > 0 ? names : throw new UserErrorException($"{files.Describe(list)} lists no images.");
    }

    private static ListedName Resolve(FileStore files, string list, int line, string text, Func<string, bool> exists)
    {
        var blank = text.LastIndexOfAny([' ', '\t']);
        var mark = blank > 0 && text[(blank + 1)..] is "-1" or "0" or "1" ? text[(blank + 1)..] : null;
        var marked = mark is null ? null : text[..blank].TrimEnd();
        foreach (var name in Forms(text))
            if (exists(name))
                return new(line, name, null);
        if (marked is not null)
            foreach (var name in Forms(marked))
                if (exists(name))
                    return new(line, name, mark);
        // A list of pairs, "images/a.jpg labels/a.png": the first names the image.
        var first = text.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries)[0];
        foreach (var name in Forms(first))
            if (exists(name))
                return new(line, name, null);
        var meant = Clean(marked ?? text);
        if (meant.Split('/').Contains("..") || Path.IsPathRooted(meant))
            throw new UserErrorException($"{files.Describe(list)}:{line}  \"{meant}\" leads out of the folder.");
        return new(line, WithoutEnding(meant), mark);
    }

    /// <summary>What a name may mean: itself, without its ending, without its folders.</summary>
    private static IEnumerable<string> Forms(string text)
    {
        var name = Clean(text).TrimStart('/');
        if (name.Split('/').Contains(".."))
            yield break;
        yield return name;
        yield return WithoutEnding(name);
        foreach (var folder in s_folders)
        {
            if (("/" + name).LastIndexOf($"/{folder}/", StringComparison.OrdinalIgnoreCase) is not (>= 0 and var at))
                continue;
            yield return name[(at + folder.Length + 1)..];
            yield return WithoutEnding(name[(at + folder.Length + 1)..]);
        }
    }

    private static string Clean(string text)
    {
        var name = text.Replace('\\', '/');
        while (name.StartsWith("./", StringComparison.Ordinal))
            name = name[2..];
        return name;
    }

    private static string WithoutEnding(string name) =>
        ImageCodec.HasExtension(name) || Path.GetExtension(name).Equals(".xml", StringComparison.OrdinalIgnoreCase)
            ? Path.ChangeExtension(name, null)
            : name;

    private static UserErrorException NoList(FileStore files, string list)
    {
        var folder = Path.GetDirectoryName(list)!.Replace('\\', '/') + "/";
        var others = files
            .Names.Where(name =>
                name.StartsWith(folder, StringComparison.Ordinal) && name.EndsWith(".txt", StringComparison.OrdinalIgnoreCase)
            )
            .Select(name => name[folder.Length..^4])
            .Order(StringComparer.Ordinal)
            .ToArray();
        return new UserErrorException(
            $"{files.Describe(list)} doesn't exist: it lists the split's images."
                + (
                    others.Length > 0
                        ? $"{NearestName.Suggest(Path.GetFileNameWithoutExtension(list), others)} There are: "
                            + $"{string.Join(", ", others.Take(20))}."
                        : " Is path the folder that holds ImageSets?"
                )
        );
    }
}
