using System.Globalization;
using System.Text;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Detection;

/// <summary>A CSV file of Open Images, row by row; columns are found by their names in the first row.</summary>
internal sealed class OpenImagesTable : IDisposable
{
    private readonly StreamReader _text;
    private readonly DelimitedReader _rows;
    private readonly int[] _places;
    private readonly string[] _columns;
    private readonly int _count;

    /// <param name="columns">Which are needed; one that ends in ? may be missing.</param>
    /// <exception cref="UserErrorException">There is no such file, or it lacks a column.</exception>
    public OpenImagesTable(string path, params string[] columns)
    {
        (Path, _columns) = (path, columns);
        _text = Open(path);
        try
        {
            _rows = new DelimitedReader(path, _text, ',');
            if (!_rows.Read())
                throw new UserErrorException($"{path} is empty.");
            var header = Enumerable.Range(0, _rows.FieldCount).Select(i => _rows.Text(i).Trim()).ToArray();
            _count = header.Length;
            _places = [.. columns.Select(column => Array.IndexOf(header, column.TrimEnd('?')))];
            foreach (var (place, column) in _places.Zip(columns))
                if (place < 0 && !column.EndsWith('?'))
                    throw new UserErrorException(
                        $"{path}:{_rows.Line}  the first row has no column \"{column}\".{NearestName.Suggest(column, header)} It has: "
                            + $"{string.Join(", ", header.Take(30))}."
                    );
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    public int Line => _rows.Line;

    /// <summary>What was read of the file.</summary>
    public Stream Stream => _text.BaseStream;

    /// <summary>Opens text in UTF-8.</summary>
    /// <exception cref="UserErrorException">There is no such file, or it can't be read.</exception>
    public static StreamReader Open(string path)
    {
        if (!File.Exists(path))
            throw FileStore.Missing(path);
        try
        {
            return new StreamReader(path, new UTF8Encoding(false, throwOnInvalidBytes: true), false, 1 << 16);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} can't be read: {e.Message}", e);
        }
    }

    /// <summary>Goes to the next row.</summary>
    /// <returns>false behind the last.</returns>
    /// <exception cref="UserErrorException">A row has another number of fields than the first, or is no CSV, with its line.</exception>
    public bool Read()
    {
        if (!_rows.Read())
            return false;
        if (_rows.FieldCount != _count)
            throw new UserErrorException($"{Path}:{Line}  {_rows.FieldCount} fields; the first row names {_count}.");
        return true;
    }

    /// <param name="column">Its place among those that are needed.</param>
    /// <returns>Empty where the column is missing.</returns>
    public ReadOnlySpan<char> Field(int column) => _places[column] < 0 ? [] : _rows.Field(_places[column]).Trim();

    /// <returns>Not a number where it is none.</returns>
    public double Number(int column) =>
        double.TryParse(Field(column), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN;

    /// <summary>0 or 1, or -1, which says that it isn't known and counts as 0.</summary>
    public bool Flag(int column)
    {
        var field = Field(column);
        return field is not ("" or "0" or "-1")
            && (
                field is "1"
                    ? true
                    : throw new UserErrorException(
                        $"{Path}:{Line}  {_columns[column].TrimEnd('?')} is \"{field}\"; 0, 1 or -1 was expected."
                    )
            );
    }

    public void Dispose()
    {
        _rows?.Dispose();
        _text.Dispose();
    }
}
