using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Classification;

/// <summary>What is odd in a list's labels as a whole, where every row by itself is in order.</summary>
internal static class ListNotes
{
    private const int MostNamed = 5;
    private static readonly char[] s_separators = [',', ';', '|', ' '];

    /// <param name="images">The image of each sample.</param>
    /// <param name="labels">The classes of each sample; none at all for regression.</param>
    /// <param name="targets">The numbers of each sample; none at all for classes.</param>
    public static IEnumerable<string> Of(DataInfo info, ImageListOptions options, string[] images, int[][] labels, float[][] targets)
    {
        foreach (var note in OfTargets(info.Classes, images, targets))
            yield return note;
        if (info.Task == DataTask.Classification && Contradicting(info.Classes, images, labels) is { } twice)
            yield return twice;
        if (info.Task != DataTask.MultiLabel || options.Classes is not null)
            yield break;
        foreach (var separator in s_separators)
            if (
                !options.Separator.Contains(separator, StringComparison.Ordinal)
                && Joined(info.Classes, separator) is { Length: > 0 } joined
            )
                yield return $"{(joined.Length == 1 ? "a class name seems" : "class names seem")} to hold several labels: "
                    + string.Join(", ", joined.Take(MostNamed).Select(name => $"\"{name}\""))
                    + $"{(joined.Length > MostNamed ? ", …" : "")}. "
                    + $"\"separator\": \"{separator}\" splits them; now \"{options.Separator}\" does. (In arrays each label is an entry.)";
    }

    private static IEnumerable<string> OfTargets(IReadOnlyList<string> names, string[] images, float[][] targets)
    {
        if (targets.Length == 0)
            yield break;
        var first = new Dictionary<string, float[]>(images.Length, StringComparer.Ordinal);
        var found = new List<string>();
        for (var i = 0; i < images.Length; i++)
            if (!first.TryAdd(images[i], targets[i]) && !first[images[i]].AsSpan().SequenceEqual(targets[i]))
                found.Add($"{images[i]} has {Numbers(first[images[i]])} and {Numbers(targets[i])}");
        if (found.Count > 0)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{found.Count:N0} {(found.Count == 1 ? "row gives" : "rows give")} an image other targets than a row before: {found[0]}"
                    + $"{(found.Count > 1 ? ", …" : "")}. Each row is a sample; one of them is wrong."
            );
        for (var t = 0; t < names.Count; t++)
            if (targets.Length > 1 && targets.All(row => row[t] == targets[0][t]))
                yield return $"every sample's \"{names[t]}\" is {Numbers([targets[0][t]])}: there is nothing to learn from it.";
    }

    private static string Numbers(float[] values) =>
        string.Join(", ", values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));

    /// <summary>Images that the list gives another label each time.</summary>
    private static string? Contradicting(IReadOnlyList<string> classes, string[] images, int[][] labels)
    {
        var first = new Dictionary<string, int>(images.Length, StringComparer.Ordinal);
        var (found, example) = (new HashSet<string>(StringComparer.Ordinal), "");
        for (var i = 0; i < images.Length; i++)
        {
            var label = labels[i][0];
            if (first.TryAdd(images[i], label) || first[images[i]] == label)
                continue;
            if (found.Add(images[i]) && found.Count == 1)
                example = $"{images[i]} is \"{classes[first[images[i]]]}\" and \"{classes[label]}\"";
        }
        return found.Count == 0
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{found.Count:N0} {(found.Count == 1 ? "image is" : "images are")} listed more than once, with different labels: "
                    + $"{example}{(found.Count > 1 ? ", …" : "")}. Each row is a sample; one of them is wrong."
            );
    }

    /// <summary>Names that hold others, joined. Blanks stand in many names ("hot dog" beside "dog"), so that every part of such a one must
    /// come elsewhere, too.</summary>
    private static string[] Joined(IReadOnlyList<string> classes, char separator)
    {
        var known = classes.ToHashSet(StringComparer.Ordinal);
        var parts = classes.Where(name => name.Contains(separator, StringComparison.Ordinal)).ToDictionary(name => name, PartsOf);
        var uses = parts.Values.SelectMany(of => of).CountBy(part => part).ToDictionary(StringComparer.Ordinal);
        return
        [
            .. parts
                .Where(entry =>
                    entry.Value.Length > 1
                    && entry.Value.Any(known.Contains)
                    && (separator != ' ' || entry.Value.All(part => known.Contains(part) || uses[part] > 1))
                )
                .Select(entry => entry.Key),
        ];

        string[] PartsOf(string name) =>
            [.. name.Split(separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct()];
    }
}
