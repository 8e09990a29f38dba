using Tessera.Datasets.Classification;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Splitting;

/// <summary>A column of a CSV or TSV file, by the images that another names: the column "image", or else the first.</summary>
internal sealed class GroupTable
{
    private const long MaxBytes = 1L << 28;

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <exception cref="UserErrorException">There is no such file or column, or an image has two values; with the line.</exception>
    public GroupTable(string path, string column)
    {
        if (!File.Exists(path))
            throw new UserErrorException($"--group: {path} doesn't exist.");
        if (new FileInfo(path).Length > MaxBytes)
            throw new UserErrorException($"{path} has more than {MaxBytes >> 20} MiB; is it a table of images?");
        var isTabs = path.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase);
        string[]? header = null;
        var (image, value) = (0, 0);
        foreach (var (line, fields) in DelimitedText.Read(path, File.ReadAllText(path), isTabs ? '\t' : ','))
        {
            if (header is null)
            {
                header = [.. fields.Select(field => field.Trim())];
                image = Math.Max(0, Array.IndexOf(header, "image"));
                value = Array.IndexOf(header, column);
                if (value < 0)
                    throw new UserErrorException(
                        $"{path}:{line}  there is no column \"{column}\".{NearestName.Suggest(column, header)} There are: "
                            + $"{string.Join(", ", header)}."
                    );
                continue;
            }
            if (fields.Length != header.Length)
                throw new UserErrorException($"{path}:{line}  {fields.Length} fields; the header names {header.Length}.");
            Add(path, line, fields[image].Trim().Replace('\\', '/'), fields[value].Trim());
        }
    }

    /// <summary>The value of an image: by its whole name, or by one that leaves out folders before it or, last, the file's ending. null: it
    /// has no row.</summary>
    public string? Find(string name)
    {
        if (_values.TryGetValue(name, out var value))
            return value;
        for (var at = name.IndexOf('/', StringComparison.Ordinal); at >= 0; at = name.IndexOf('/', at + 1))
            if (_values.TryGetValue(name[(at + 1)..], out value))
                return value;
        return _values.GetValueOrDefault(Path.GetFileNameWithoutExtension(name));
    }

    private void Add(string path, int line, string name, string value)
    {
        if (!_values.TryAdd(name, value) && _values[name] != value)
            throw new UserErrorException($"{path}:{line}  {name} has two values: \"{_values[name]}\", then \"{value}\".");
    }
}
