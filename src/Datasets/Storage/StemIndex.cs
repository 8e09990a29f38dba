using Tessera.Framework.Data;

namespace Tessera.Datasets.Storage;

/// <summary>Files by their names without folder and ending; where the very name isn't there, one in other letters (upper or lower case,
/// Unicode forms).</summary>
public sealed class StemIndex
{
    private static readonly IReadOnlyList<string> s_none = [];

    private readonly Dictionary<string, List<string>> _exact = new(StringComparer.Ordinal),
        _loose = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="folder">Names begin below it; "" for all.</param>
    /// <param name="wanted">Which files count.</param>
    public StemIndex(FileStore files, string folder, Func<string, bool> wanted)
    {
        var prefix = folder.Length == 0 ? "" : folder + "/";
        foreach (var name in files.Names)
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal) || !wanted(name))
                continue;
            var stem = Path.ChangeExtension(name[prefix.Length..], null);
            Add(_exact, stem, name);
            Add(_loose, ClassNames.Normalize(stem), name);
        }
    }

    /// <returns>None, one, or several that only differ in their endings (or, where none has the very name, in their letters).</returns>
    public IReadOnlyList<string> Find(string stem) =>
        _exact.TryGetValue(stem, out var found) || _loose.TryGetValue(ClassNames.Normalize(stem), out found) ? found : s_none;

    private static void Add(Dictionary<string, List<string>> to, string key, string name)
    {
        if (!to.TryGetValue(key, out var names))
            to.Add(key, names = []);
        names.Add(name);
    }
}
