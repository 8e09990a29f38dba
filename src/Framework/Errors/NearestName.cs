namespace Tessera.Framework.Errors;

/// <summary>Finds the known name that a user most likely meant.</summary>
public static class NearestName
{
    /// <summary>The name nearest to <paramref name="name"/>, or null where none is near: at most a third of the letters may
    /// differ.</summary>
    public static string? Find(string name, IEnumerable<string> known)
    {
        var (nearest, least) = (default(string), int.MaxValue);
        var wanted = Simplify(name);
        foreach (var candidate in known)
        {
            var simple = Simplify(candidate);
            if (Math.Abs(simple.Length - wanted.Length) > Allowed(simple, wanted))
                continue;
            var distance = Distance(wanted, simple);
            if (distance <= Allowed(simple, wanted) && distance < least)
                (nearest, least) = (candidate, distance);
        }

        return nearest;
    }

    /// <summary>" Did you mean "…"?" or nothing.</summary>
    public static string Suggest(string name, IEnumerable<string> known) =>
        Find(name, known) is { } nearest ? $" Did you mean \"{nearest}\"?" : "";

    /// <summary>Damerau-Levenshtein distance: insertions, deletions, substitutions and swaps of neighbours.</summary>
    public static int Distance(string a, string b)
    {
        if (a.Length > 256 || b.Length > 256)
            return Math.Max(a.Length, b.Length);
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var substitution = rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(substitution, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }

        return rows[a.Length, b.Length];
    }

    private static int Allowed(string a, string b) => Math.Max(1, Math.Max(a.Length, b.Length) / 3);

    // "multi-step_LR" and "MultiStepLr" are the same word to a reader.
    private static string Simplify(string name) => string.Concat(name.Where(c => c is not ('_' or '-' or ' '))).ToLowerInvariant();
}
