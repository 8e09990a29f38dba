using Tessera.Framework.Data;

namespace Tessera;

/// <summary>Class names that are odd: two that were meant to be one, and what programs write where a label is missing.</summary>
public static class ClassNameNotes
{
    private const int MostNamed = 5;
    private static readonly string[] s_missing = ["nan", "null", "<na>"];

    /// <returns>What is odd, but may be meant.</returns>
    public static IEnumerable<string> Of(DataInfo info)
    {
        if (info.Task == DataTask.Regression)
            yield break;
        var twins = info
            .Classes.Distinct(StringComparer.Ordinal)
            .GroupBy(Key)
            .Where(names => names.Count() > 1)
            .Select(names => string.Join(" and ", names.Select(name => $"\"{name}\"")))
            .ToArray();
        if (twins.Length > 0)
            yield return $"class names differ only in upper and lower case or in blanks: {string.Join(", ", twins.Take(MostNamed))}"
                + $"{(twins.Length > MostNamed ? ", …" : "")}. Each is a class of its own; where they mean one, write them the same way.";
        if (info.Classes.FirstOrDefault(name => s_missing.Contains(name.Trim(), StringComparer.OrdinalIgnoreCase)) is { } missing)
            yield return $"a class is named \"{missing}\", which programs write where a value is missing: do samples lack their "
                + $"label? Give "
                + "them one, or leave them out.";
    }

    /// <summary>What is left of a name without case and blanks.</summary>
    public static string Key(string name) => string.Concat(name.Where(c => !char.IsWhiteSpace(c))).ToUpperInvariant();
}
