using System.Globalization;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Conversion;

/// <summary>What a YOLO data set says of its classes and key points: data.yaml, classes.txt or obj.names.</summary>
/// <param name="Classes">In index order.</param>
/// <param name="KeyPoints">How many key points follow a box, and how many values each has; null where that isn't said.</param>
internal sealed record YoloNames(IReadOnlyList<string> Classes, (int Count, int Values)? KeyPoints)
{
    private const int MostClasses = 100_000;

    /// <summary>Reads the few keys that matter ("names", "nc", "kpt_shape") in the forms that YOLO's tools write; anything else of YAML is
    /// passed over.</summary>
    /// <param name="path">For messages.</param>
    /// <returns>null where the file has no "names".</returns>
    /// <exception cref="UserErrorException">The names are in another form, have gaps, or are not as many as "nc" says.</exception>
    public static YoloNames? FromYaml(string path, IReadOnlyList<string> lines)
    {
        Dictionary<int, (string Name, int Line)>? names = null;
        (int, int)? keyPoints = null;
        int? said = null;
        for (var i = 0; i < lines.Count; i++)
        {
            var line = WithoutComment(lines[i]);
            if (Value(line, "nc") is { } count && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var classes))
                said = classes;
            else if (Value(line, "kpt_shape") is { } shape)
                keyPoints = Shape(path, lines, ref i, shape);
            else if (Value(line, "names") is { } value)
            {
                names = value.Length > 0 ? Flow(path, lines, ref i, value) : Block(path, lines, ref i);
            }
        }
        if (names is null)
            return null;
        for (var c = 0; c < names.Count; c++)
            if (!names.ContainsKey(c))
                throw new UserErrorException($"{path}: names has {names.Count} entries, but none for {c}; they are numbered from 0.");
        if (said is { } wanted && wanted != names.Count)
            throw new UserErrorException($"{path}: nc is {wanted}, but names has {names.Count} entries.");
        RequireDistinct(path, names.OrderBy(entry => entry.Key).Select(entry => entry.Value));
        return new YoloNames([.. Enumerable.Range(0, names.Count).Select(c => names[c].Name)], keyPoints);
    }

    /// <summary>[17, 3], or a line of "- 17" and one of "- 3".</summary>
    private static (int Points, int Values) Shape(string path, IReadOnlyList<string> lines, ref int at, string text)
    {
        var start = at;
        var sides = text.Trim('[', ']', ' ').Split(',', StringSplitOptions.TrimEntries);
        if (text.Length == 0)
        {
            var items = new List<string>();
            for (; at + 1 < lines.Count; at++)
            {
                var item = WithoutComment(lines[at + 1]).Trim();
                if (item.StartsWith('-'))
                    items.Add(item[1..].Trim());
                else if (item.Length > 0)
                    break;
            }
            sides = [.. items];
            text = string.Join(", ", sides);
        }
        return
            sides.Length == 2
            && int.TryParse(sides[0], CultureInfo.InvariantCulture, out var points)
            && int.TryParse(sides[1], CultureInfo.InvariantCulture, out var values)
            && points is >= 0 and <= 10_000
            && values is 2 or 3
            ? (points, values)
            : throw new UserErrorException($"{path}:{start + 1}  kpt_shape is \"{text}\"; [number of points, 2 or 3] was expected.");
    }

    /// <summary>A name a line. Blank lines stand at the end only: between names they would shift the numbers.</summary>
    public static YoloNames FromList(string path, IReadOnlyList<string> lines)
    {
        var names = lines.Select(line => line.Trim()).ToList();
        while (names.Count > 0 && names[^1].Length == 0)
            names.RemoveAt(names.Count - 1);
        if (names.IndexOf("") is >= 0 and var blank)
            throw new UserErrorException(
                $"{path}:{blank + 1}  a blank line between names: is it a class without a name? The numbers in the label files "
                    + $"depend on it."
            );
        RequireDistinct(path, names.Select((name, i) => (name, i + 1)));
        return names.Count > 0 ? new YoloNames(names, null) : throw new UserErrorException($"{path} names no classes.");
    }

    /// <summary>Of two classes of one name, either would be lost.</summary>
    private static void RequireDistinct(string path, IEnumerable<(string Name, int Line)> names)
    {
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var ((name, line), index) in names.Select((entry, i) => (entry, i)))
            if (!first.TryAdd(name, index))
                throw new UserErrorException(
                    $"{path}:{line}  class {index} is named \"{name}\", as class {first[name]} is. Each needs a name of its own; where "
                        + "they mean one class, give it one number in the label files and one name here."
                );
    }

    /// <summary>[a, b] or { 0: a, 1: b }, over several lines perhaps.</summary>
    private static Dictionary<int, (string Name, int Line)> Flow(string path, IReadOnlyList<string> lines, ref int at, string text)
    {
        var start = at;
        var close = text[0] switch
        {
            '[' => ']',
            '{' => '}',
            _ => '\0',
        };
        if (close == '\0')
            throw new UserErrorException($"{path}:{start + 1}  names is \"{text}\"; a list of names was expected.");
        while (!text.TrimEnd().EndsWith(close))
        {
            if (++at >= lines.Count)
                throw new UserErrorException($"{path}:{start + 1}  names opens with \"{text[0]}\", which is never closed.");
            text += " " + WithoutComment(lines[at]).Trim();
        }
        var found = new Dictionary<int, (string Name, int Line)>();
        foreach (var item in Items(text.Trim()[1..^1]))
        {
            if (close == ']')
                Add(path, start, found, found.Count, item);
            else if (Keyed(item) is var (key, name))
                Add(path, start, found, key, name);
            else
                throw new UserErrorException($"{path}:{start + 1}  \"{item}\" in names: \"0: name\" was expected.");
        }
        return found;
    }

    /// <summary>Lines of "- a", or of "0: a", further in than the key (or, for the first, as far).</summary>
    private static Dictionary<int, (string Name, int Line)> Block(string path, IReadOnlyList<string> lines, ref int at)
    {
        var found = new Dictionary<int, (string Name, int Line)>();
        for (; at + 1 < lines.Count; at++)
        {
            var line = WithoutComment(lines[at + 1]);
            if (line.Trim().Length == 0)
                continue;
            var text = line.Trim();
            if (text.StartsWith("- ", StringComparison.Ordinal))
                Add(path, at + 1, found, found.Count, text[2..].Trim());
            else if (line[0] is not (' ' or '\t'))
                break;
            else if (Keyed(text) is var (key, name))
                Add(path, at + 1, found, key, name);
            else
                throw new UserErrorException($"{path}:{at + 2}  \"{text}\" in names: \"- name\" or \"0: name\" was expected.");
        }
        return found;
    }

    private static void Add(string path, int line, Dictionary<int, (string Name, int Line)> found, int key, string name)
    {
        name = Unquoted(name);
        if (name.Length == 0)
            throw new UserErrorException($"{path}:{line + 1}  a class without a name.");
        if (key is < 0 or >= MostClasses || !found.TryAdd(key, (name, line + 1)))
            throw new UserErrorException($"{path}:{line + 1}  class {key} comes twice, or is out of range.");
    }

    private static (int Key, string Name)? Keyed(string text) =>
        text.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon
        && int.TryParse(Unquoted(text[..colon]), NumberStyles.None, CultureInfo.InvariantCulture, out var key)
            ? (key, text[(colon + 1)..].Trim())
            : null;

    /// <summary>What lies between commas that no quotes hold.</summary>
    private static IEnumerable<string> Items(string text)
    {
        var (start, quote) = (0, '\0');
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && quote == '\0' && text[i] is '"' or '\'')
                quote = text[i];
            else if (i < text.Length && text[i] == quote)
                quote = '\0';
            else if (i == text.Length || (quote == '\0' && text[i] == ','))
            {
                var item = text[start..i].Trim();
                if (item.Length > 0 || i < text.Length)
                    yield return item;
                start = i + 1;
            }
        }
    }

    private static string? Value(string line, string key) =>
        line.StartsWith(key, StringComparison.Ordinal) && line[key.Length..].TrimStart() is [':', .. var rest] ? rest.Trim() : null;

    private static string Unquoted(string text)
    {
        text = text.Trim();
        return text.Length >= 2 && text[0] == text[^1] && text[0] is '"' or '\''
            ? text[1..^1].Replace("''", "'", StringComparison.Ordinal)
            : text;
    }

    private static string WithoutComment(string line)
    {
        var quote = '\0';
        for (var i = 0; i < line.Length; i++)
        {
            if (quote == '\0' && line[i] is '"' or '\'')
                quote = line[i];
            else if (line[i] == quote)
                quote = '\0';
            else if (line[i] == '#' && quote == '\0' && (i == 0 || char.IsWhiteSpace(line[i - 1])))
                return line[..i];
        }
        return line;
    }
}
