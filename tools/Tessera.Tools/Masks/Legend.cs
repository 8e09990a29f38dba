using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Classification;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Masks;

/// <summary>A colour of the masks, what it stands for, and the index that it becomes.</summary>
internal sealed record LegendEntry(byte Index, string Name, Rgb Color);

/// <summary>Which colour of masks is which class.</summary>
internal sealed class Legend(IReadOnlyList<LegendEntry> entries)
{
    /// <summary>The name of what becomes 255 and is ignored.</summary>
    public const string Ignore = "ignore";

    /// <summary>Beside 255, for what is ignored.</summary>
    public const int MostClasses = LabelTable.MostClasses;

    private const long MaxBytes = 1 << 20;

    public IReadOnlyList<LegendEntry> Entries => entries;

    /// <summary>For index PNGs: red, green, blue of each index.</summary>
    public byte[] Palette()
    {
        var palette = new byte[768];
        foreach (var entry in entries.DistinctBy(entry => entry.Index))
            (palette[3 * entry.Index], palette[3 * entry.Index + 1], palette[3 * entry.Index + 2]) = (
                entry.Color.Red,
                entry.Color.Green,
                entry.Color.Blue
            );
        return palette;
    }

    /// <summary>Reads .json ({ "road": "#804080" }, or the same the other way round) or .csv (name, red, green, blue; or name and
    /// #RRGGBB).</summary>
    /// <exception cref="UserErrorException">The file can't be read, or names no colours.</exception>
    public static Legend Read(string path)
    {
        string text;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxBytes })
                throw new UserErrorException($"{path} is too large for a legend.");
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} can't be read: {e.Message}", e);
        }
        var pairs = Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase)
            ? FromJson(path, text)
            : FromCsv(path, text);
        return Number(path, pairs);
    }

    /// <summary>Indices in the order of the names; a name that comes again keeps its index.</summary>
    private static Legend Number(string path, List<(string Name, Rgb Color)> pairs)
    {
        if (pairs.Count == 0)
            throw new UserErrorException(
                $"{path} names no colours. Expected {{ \"road\": \"#804080\", … }}, or lines of name, red, green, blue."
            );
        if (pairs.GroupBy(pair => pair.Color).FirstOrDefault(group => group.Select(pair => pair.Name).Distinct().Count() > 1) is { } twice)
            throw new UserErrorException(
                $"{path}: {twice.Key} stands for {string.Join(" and ", twice.Select(pair => $"\"{pair.Name}\"").Distinct())}."
            );
        var names = pairs.Select(pair => pair.Name).Where(name => name != Ignore).Distinct().ToList();
        if (names.Count > MostClasses)
            throw new UserErrorException(
                $"{path} names {names.Count} classes; an index PNG holds {MostClasses}, and one index for what is ignored."
            );
        return new Legend([
            .. pairs
                .DistinctBy(pair => pair.Color)
                .Select(pair => new LegendEntry(
                    pair.Name == Ignore ? LabelTable.Ignore : (byte)names.IndexOf(pair.Name),
                    pair.Name,
                    pair.Color
                )),
        ]);
    }

    private static List<(string, Rgb)> FromJson(string path, string text)
    {
        try
        {
            if (
                JsonNode.Parse(
                    text,
                    documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }
                )
                is not JsonObject map
            )
                throw new UserErrorException($"{path}: expected an object such as {{ \"road\": \"#804080\" }}.");
            if (map["classes"] is JsonArray written) // as this tool writes it
                return [.. written.Select(item => Pair(path, item?["name"]?.ToString() ?? "", item?["color"]?.ToString() ?? ""))];
            return
            [
                .. map.Select(entry =>
                    Rgb.TryParse(entry.Key, out _)
                        ? Pair(path, entry.Value?.ToString() ?? "", entry.Key)
                        : Pair(path, entry.Key, entry.Value?.ToJsonString().Trim('"') ?? "")
                ),
            ];
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"{path}:{(e.LineNumber ?? 0) + 1}  not JSON: {e.Message}", e);
        }
    }

    private static List<(string, Rgb)> FromCsv(string path, string text)
    {
        var pairs = new List<(string, Rgb)>();
        var first = true;
        foreach (var (line, row) in DelimitedText.Read(path, text, Delimiter(text)))
        {
            string[] fields = [.. row.Select(field => field.Trim())];
            if (fields is [""])
                continue;
            var header = first && fields.Length >= 2 && !fields.Skip(1).Any(field => field.Any(char.IsAsciiDigit));
            first = false;
            if (header)
                continue;
            if (fields.Length is not (2 or 4))
                throw new UserErrorException($"{path}:{line}  {fields.Length} fields; name, red, green, blue were expected.");
            pairs.Add(Pair($"{path}:{line}", fields[0], string.Join(',', fields[1..])));
        }
        return pairs;
    }

    /// <summary>Of the whole file: as its first line that isn't blank has it.</summary>
    private static char Delimiter(string text)
    {
        var line = text.Split('\n').FirstOrDefault(line => !string.IsNullOrWhiteSpace(line)) ?? "";
        return line.Contains('\t', StringComparison.Ordinal) ? '\t'
            : line.Contains(';', StringComparison.Ordinal) ? ';'
            : ',';
    }

    private static (string, Rgb) Pair(string place, string name, string color) =>
        name.Length == 0 ? throw new UserErrorException($"{place}: a colour without a name.")
        : Rgb.TryParse(color, out var rgb) ? (name, rgb)
        : throw new UserErrorException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{place}: the colour of \"{name}\" is \"{color}\"; \"#804080\" or three numbers of 0 to 255 were expected."
            )
        );
}
