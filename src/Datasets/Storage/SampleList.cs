using System.Text;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Storage;

/// <summary>Files that name samples, one a line: the one reader of every data set's "list". Blanks around names, empty lines, CRLF and a
/// byte order mark are put up with; a name may leave out the images' folder or its ending, or be an absolute path.</summary>
internal static class SampleList
{
    private const long MaxBytes = 1L << 28;
    private const int Told = 6,
        LookedAt = 20_000;

    /// <summary>The samples that a list names.</summary>
    /// <param name="files">The data set's files, among which the list is looked for first; null: it has none.</param>
    /// <param name="list">A path below the data set's, or from the working folder.</param>
    /// <param name="names">Every sample's, below the data set's path. Where several samples have one name, it means all of them.</param>
    /// <param name="folder">Below path, a folder that names may leave out; "" for none.</param>
    /// <returns>Indices of samples, in the list's order.</returns>
    /// <exception cref="UserErrorException">There is no such list, it is no text or empty, or it names what isn't there or one thing
    /// twice, with its lines.</exception>
    public static int[] Read(FileStore? files, string list, IReadOnlyList<string> names, string folder = "")
    {
        var (store, name) = Locate(files, list);
        var place = store.Describe(name);
        var known = new ListedNames(names, folder, files?.Location);
        var (found, lineOf, mistakes, count) = (new List<int>(), new Dictionary<int, int>(), new List<string>(), 0);
        foreach (var (line, text) in Lines(place, store, name))
        {
            count++;
            if (known.Find(text) is not { Count: > 0 } samples)
                mistakes.Add($"{place}:{line}  the data has no \"{text}\".{(mistakes.Count < Told ? known.Hint(text, LookedAt) : "")}");
            else if (!lineOf.TryAdd(samples[0], line))
                mistakes.Add($"{place}:{line}  \"{text}\" comes twice; line {lineOf[samples[0]]} names it, too.");
            else
                found.AddRange(samples);
        }
        if (count == 0)
            throw new UserErrorException($"{place} lists no images: it has no line with a name.");
        if (mistakes.Count > 0)
            throw new UserErrorException(
                string.Join(
                    "\n  ",
                    [
                        .. mistakes.Take(Told),
                        .. mistakes.Count > Told ? (string[])[$"… and {mistakes.Count - Told} more of {count} lines."] : [],
                        .. found.Count == 0 && names.Count > 0
                            ? (string[])[$"None of its names is there; one that is: \"{names[0]}\"."]
                            : [],
                    ]
                )
            );
        return [.. found];
    }

    private static (FileStore Store, string Name) Locate(FileStore? files, string list)
    {
        if (!Path.IsPathRooted(list) && files is not null && files.Contains(list.Replace('\\', '/')))
            return (files, list.Replace('\\', '/'));
        if (File.Exists(list))
            return (FileStore.Open(Path.GetDirectoryName(list) is { Length: > 0 } parent ? parent : "."), Path.GetFileName(list));
        var near = NearestName.Suggest(list, (files?.Names.Where(IsText) ?? []).Concat(Texts(".")));
        throw new UserErrorException(
            $"There is no list {list}"
                + (
                    Path.IsPathRooted(list) ? $".{near}"
                    : files is null ? $" in the working folder ({Directory.GetCurrentDirectory()}).{near}"
                    : $", neither in {files.Location} nor in the working folder ({Directory.GetCurrentDirectory()}).{near}"
                )
                + " tools/split-dataset writes such lists: a name a line."
        );

        static bool IsText(string name) => name.EndsWith(".txt", StringComparison.OrdinalIgnoreCase);
        static IEnumerable<string> Texts(string folder) =>
            Directory.EnumerateFiles(folder, "*.txt").Take(1000).Select(file => Path.GetFileName(file));
    }

    private static IEnumerable<(int Line, string Text)> Lines(string place, FileStore store, string name)
    {
        if (store.LengthOf(name) == 0)
            yield break;
        if (store.LengthOf(name) > MaxBytes)
            throw new UserErrorException($"{place} has more than {MaxBytes >> 20} MiB; is it a list of names?");
        var text =
            Utf8Text.Of(store.Read(name).Span) ?? throw new UserErrorException($"{place} is not UTF-8 text; a list has a name a line.");
        if (text.Contains('\0', StringComparison.Ordinal))
            throw new UserErrorException($"{place} holds zero characters, so it is no text in UTF-8; a list has a name a line.");
        var line = 0;
        foreach (var raw in text.TrimStart('\uFEFF').ReplaceLineEndings("\n").Split('\n'))
        {
            line++;
            if (raw.Trim() is { Length: > 0 } entry)
                yield return (line, entry);
        }
    }
}

/// <summary>Samples by the names that a list may give them.</summary>
internal sealed class ListedNames
{
    private readonly IReadOnlyList<string> _names;
    private readonly string _prefix;
    private readonly string? _location;
    private readonly Dictionary<string, List<int>> _exact = new(StringComparer.Ordinal);
    private Dictionary<string, List<int>>? _loose;

    public ListedNames(IReadOnlyList<string> names, string folder, string? location)
    {
        (_names, _prefix) = (names, folder.Trim('/') is { Length: > 0 } below ? below + "/" : "");
        _location = location is null ? null : Path.GetFullPath(location).Replace('\\', '/').TrimEnd('/') + "/";
        for (var i = 0; i < names.Count; i++)
            Add(_exact, names[i], i);
    }

    /// <summary>The samples of a name: those of the very name, otherwise those whose names differ in their ending, in upper and lower case
    /// or in Unicode's forms, if only one file can be meant. null: none.</summary>
    public IReadOnlyList<int>? Find(string text)
    {
        var name = Clean(text);
        foreach (var form in (string[])[text.Replace('\\', '/'), name, _prefix + name])
            if (_exact.TryGetValue(form, out var found))
                return found;
        _loose ??= Loose();
        foreach (var form in (string[])[name, _prefix + name])
        foreach (var key in (string[])[Key(form), Key(form) + "\n"])
            if (_loose.TryGetValue(key, out var found) && found.TrueForAll(i => _names[i] == _names[found[0]]))
                return found;
        return null;
    }

    /// <summary>What may have been meant: a file of this name in another folder, or the nearest name.</summary>
    /// <param name="most">Names that are looked at.</param>
    public string Hint(string text, int most)
    {
        var name = Clean(text);
        if (name.Split('/').Contains(".."))
            return " It leads out of the data's folder.";
        var file = "/" + name[(name.LastIndexOf('/') + 1)..];
        var elsewhere = _names.FirstOrDefault(known => known.EndsWith(file, StringComparison.OrdinalIgnoreCase));
        if (elsewhere is not null)
            return $" Did you mean \"{elsewhere}\"?";
        return NearestName.Find(name, _names.Take(most)) is { } near ? $" Did you mean \"{near}\"?"
            : NearestName.Find(_prefix + name, _names.Take(most)) is { } below ? $" Did you mean \"{below}\"?"
            : "";
    }

    private string Clean(string text)
    {
        var name = text.Replace('\\', '/');
        while (name.StartsWith("./", StringComparison.Ordinal))
            name = name[2..];
        return _location is not null && name.StartsWith(_location, StringComparison.Ordinal) ? name[_location.Length..] : name;
    }

    /// <summary>By the whole name and, marked by a line end, without its ending.</summary>
    private Dictionary<string, List<int>> Loose()
    {
        var loose = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        for (var i = 0; i < _names.Count; i++)
        {
            Add(loose, Key(_names[i]), i);
            Add(loose, Key(Path.ChangeExtension(_names[i], null)) + "\n", i);
        }
        return loose;
    }

    private static string Key(string name) => ClassNames.Normalize(name).ToUpperInvariant();

    private static void Add(Dictionary<string, List<int>> to, string key, int index)
    {
        if (!to.TryGetValue(key, out var indices))
            to.Add(key, indices = []);
        indices.Add(index);
    }
}
