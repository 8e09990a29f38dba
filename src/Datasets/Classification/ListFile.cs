using System.Text;
using System.Text.Json;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Classification;

/// <summary>A row of a list, and where it stands.</summary>
internal sealed class ListRow(string file, int line)
{
    private readonly Dictionary<string, (string[] Values, bool IsList)> _fields = new(StringComparer.Ordinal);

    public IEnumerable<string> Names => _fields.Keys;

    public void Set(string column, string[] values, bool isList = false) => _fields[column] = (values, isList);

    /// <summary>The field's values: one, or those of a JSON array; null where it is absent.</summary>
    public string[]? Values(string column) => _fields.TryGetValue(column, out var field) ? field.Values : null;

    public bool IsList(string column) => _fields.TryGetValue(column, out var field) && field.IsList;

    public UserErrorException Error(string what) => new($"{file}:{line}  {what}");

    /// <summary>For messages, where the column is absent: which there are, and the nearest.</summary>
    public string Columns(string wanted) =>
        _fields.ContainsKey(wanted) ? "" : $"{NearestName.Suggest(wanted, _fields.Keys)} The row has: {string.Join(", ", _fields.Keys)}.";
}

/// <summary>A list of images: CSV, TSV, JSON or JSON lines.</summary>
/// <param name="Classes">Class names the file itself gives.</param>
internal sealed record ListFile(IReadOnlyList<ListRow> Rows, string[]? Classes)
{
    private const long MaxBytes = 1L << 30;

    /// <summary>Every column that occurs in the first rows.</summary>
    public IReadOnlySet<string> Columns { get; } = Rows.Take(100).SelectMany(row => row.Names).ToHashSet();

    public static ListFile Read(string path)
    {
        byte[] bytes;
        try
        {
            var length = new FileInfo(path).Length;
            if (length > MaxBytes)
                throw new UserErrorException($"{path} has {length >> 20:N0} MiB; a list may have {MaxBytes >> 20:N0}.");
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} can't be read: {e.Message}", e);
        }
        if (bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[3..];
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".csv" => new ListFile(ReadTable(path, Text(path, bytes), ','), null),
            ".tsv" => new ListFile(ReadTable(path, Text(path, bytes), '\t'), null),
            ".jsonl" => new ListFile(ReadLines(path, bytes), null),
            ".json" => ReadJson(path, bytes),
            var other => throw new UserErrorException($"{path}: a list is .csv, .tsv, .json or .jsonl, not \"{other}\"."),
        };
    }

    private static string Text(string path, byte[] bytes) =>
        Utf8Text.Of(bytes) ?? throw new UserErrorException($"{path} is not UTF-8 text.");

    private static List<ListRow> ReadTable(string path, string text, char delimiter)
    {
        var rows = new List<ListRow>();
        string[]? header = null;
        foreach (var (line, fields) in DelimitedText.Read(path, text, delimiter))
        {
            if (header is null)
            {
                header = [.. fields.Select(field => field.Trim())];
                if (header.Distinct().Count() < header.Length)
                    throw new UserErrorException($"{path}:{line}  the header names a column twice.");
                continue;
            }
            var row = new ListRow(path, line);
            if (fields.Length != header.Length)
                throw row.Error($"{fields.Length} fields; the header names {header.Length} ({string.Join(", ", header)}).");
            for (var i = 0; i < header.Length; i++)
                row.Set(header[i], [fields[i].Trim()]);
            rows.Add(row);
        }
        return rows;
    }

    private static List<ListRow> ReadLines(string path, byte[] bytes)
    {
        var rows = new List<ListRow>();
        var rest = bytes.AsMemory();
        for (var line = 1; rest.Length > 0; line++)
        {
            var end = rest.Span.IndexOf((byte)'\n');
            var text = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (text.Span.Trim(" \t\r"u8).IsEmpty)
                continue;
            try
            {
                using var document = JsonDocument.Parse(text);
                rows.Add(Row(path, line, document.RootElement));
            }
            catch (JsonException e)
            {
                throw new UserErrorException($"{path}:{line}  not JSON: {e.Message}", e);
            }
        }
        return rows;
    }

    private static ListFile ReadJson(string path, byte[] bytes)
    {
        var options = new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        try
        {
            var reader = new Utf8JsonReader(bytes, options);
            var lines = new LineCounter(bytes);
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartArray)
                return new ListFile(Rows(ref reader), null);
            if (reader.TokenType != JsonTokenType.StartObject)
                throw new UserErrorException($"{path}: expected an array of objects, or an object with \"samples\".");
            List<ListRow>? rows = null;
            string[]? classes = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var key = reader.GetString();
                reader.Read();
                if (key == "samples" && reader.TokenType == JsonTokenType.StartArray)
                    rows = Rows(ref reader);
                else if (key == "classes")
                    classes = ClassNames(path, lines.At(reader.TokenStartIndex), JsonElement.ParseValue(ref reader));
                else
                    reader.Skip();
            }
            return new ListFile(rows ?? throw new UserErrorException($"{path}: expected an array \"samples\"."), classes);

            List<ListRow> Rows(ref Utf8JsonReader at)
            {
                var found = new List<ListRow>();
                while (at.Read() && at.TokenType != JsonTokenType.EndArray)
                {
                    var line = lines.At(at.TokenStartIndex);
                    found.Add(Row(path, line, JsonElement.ParseValue(ref at)));
                }
                return found;
            }
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"{path}:{(e.LineNumber ?? 0) + 1}  not JSON: {e.Message}", e);
        }
    }

    private static string[] ClassNames(string path, int line, JsonElement value) =>
        value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(name => name.GetString()!)]
            : throw new UserErrorException($"{path}:{line}  \"classes\" must be an array of names.");

    private static ListRow Row(string path, int line, JsonElement item)
    {
        var row = new ListRow(path, line);
        if (item.ValueKind != JsonValueKind.Object)
            throw row.Error($"expected an object such as {{ \"image\": \"a.jpg\", \"label\": 0 }}, found {item.ValueKind}.");
        foreach (var property in item.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.Array)
                row.Set(
                    property.Name,
                    [
                        .. property
                            .Value.EnumerateArray()
                            .Select(value =>
                                Scalar(value)
                                ?? throw row.Error(
                                    $"an entry of \"{property.Name}\" is {value.ValueKind}; a text or a number was expected."
                                )
                            ),
                    ],
                    isList: true
                );
            else if (Scalar(property.Value) is { } text)
                row.Set(property.Name, [text]);
        }
        return row;
    }

    private static string? Scalar(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.True => "1",
            JsonValueKind.False => "0",
            _ => null,
        };

    /// <summary>Line numbers of rising positions.</summary>
    private sealed class LineCounter(byte[] bytes)
    {
        private int _position,
            _line = 1;

        public int At(long position)
        {
            _line += bytes.AsSpan(_position, (int)position - _position).Count((byte)'\n');
            _position = (int)position;
            return _line;
        }
    }
}
