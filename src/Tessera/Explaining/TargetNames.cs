namespace Tessera.Explaining;

/// <summary>Reads a list of targets as it is typed, names separated by commas. Names that hold commas themselves ("tench, Tinca tinca")
/// are found, the longest first.</summary>
public static class TargetNames
{
    /// <param name="text">"top1,cat".</param>
    /// <param name="classes">The model's.</param>
    public static IReadOnlyList<string> Split(string text, IReadOnlyCollection<string> classes)
    {
        var known = classes.Where(name => name.Contains(',', StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);
        var parts = text.Split(',');
        var names = new List<string>();
        for (var i = 0; i < parts.Length; )
        {
            var count = parts.Length - i;
            while (count > 1 && !known.Contains(Joined(i, count)))
                count--;
            names.Add(Joined(i, count));
            i += count;
        }
        return [.. names.Where(name => name.Length > 0)];

        string Joined(int first, int count) => string.Join(',', parts, first, count).Trim();
    }
}
