namespace Tessera.Tools.Output;

/// <summary>A file for each sample: its name without the folder that all share and without its ending, subfolders kept.</summary>
internal sealed class OutputNames
{
    private readonly Dictionary<string, string> _files = [];

    /// <param name="samples">Paths, or "archive.zip:entry".</param>
    public OutputNames(IReadOnlyCollection<string> samples)
    {
        var paths = samples.Distinct().Select(name => (Name: name, Parts: Parts(name))).ToArray();
        var shared = paths.Length == 0 ? 0 : paths.Min(path => path.Parts.Length) - 1;
        for (var i = 0; i < shared; i++)
            if (paths.Any(path => path.Parts[i] != paths[0].Parts[i]))
                shared = i;
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, parts) in paths)
        {
            var whole = Path.Combine(parts[shared..]);
            var file = Path.ChangeExtension(whole, null);
            if (!taken.Add(file))
                file = Unused(whole, taken); // cat.jpg beside cat.png
            _files[name] = file;
        }
    }

    /// <summary>A relative path without ending.</summary>
    public string this[string sample] => _files[sample];

    private static string Unused(string file, HashSet<string> taken)
    {
        var chosen = file;
        for (var n = 2; !taken.Add(chosen); n++)
            chosen = $"{file}-{n}";
        return chosen;
    }

    // Never a step out of the folder, and nothing that a file system refuses.
    private static string[] Parts(string name)
    {
        var parts = name.Split('/', '\\', ':')
            .Where(part => part is not ("" or "." or ".."))
            .Select(part => string.Concat(part.Select(c => char.IsControl(c) || c is '*' or '?' or '"' or '<' or '>' or '|' ? '_' : c)))
            .ToArray();
        return parts.Length > 0 ? parts : ["sample"];
    }
}
