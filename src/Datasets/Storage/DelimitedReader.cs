using Sylvan.Data.Csv;

namespace Tessera.Datasets.Storage;

/// <summary>Comma- or tab-separated values, row by row: a field in double quotes may hold delimiters, line ends and doubled
/// quotes.</summary>
/// <remarks>RFC 4180. There are no comments: a row that begins with # is a row.</remarks>
internal sealed class DelimitedReader : IDisposable
{
    private const int MaxRowCharacters = 1 << 20;

    private readonly string _path;
    private readonly CsvDataReader _reader;
    private int _next = 1;

    /// <param name="text">Read as far as is asked for; it is not closed.</param>
    /// <exception cref="UserErrorException">As <see cref="Read"/>.</exception>
    public DelimitedReader(string path, TextReader text, char delimiter)
    {
        _path = path;
        var options = new CsvDataReaderOptions
        {
            Delimiter = delimiter,
            HasHeaders = false, // ours are read by those who know their columns
            CsvStyle = CsvStyle.Standard,
            MaxBufferSize = MaxRowCharacters,
            OwnsReader = false,
            // Sylvan always has a character that begins a comment, and skips such rows.
            Comment = '\0',
            CommentHandler =
                (Action<string>)(_ => throw new UserErrorException($"{path}:{_next}  the row begins with a NUL character; is this text?")),
        };
        _reader = Guarded(() => CsvDataReader.Create(text, options));
    }

    /// <summary>Where the row begins, from 1.</summary>
    public int Line { get; private set; }

    public int FieldCount => _reader.RowFieldCount;

    public ReadOnlySpan<char> Field(int index) => _reader.GetFieldSpan(index);

    public string Text(int index) => _reader.GetString(index);

    /// <summary>Goes to the next row that isn't blank.</summary>
    /// <returns>false behind the last.</returns>
    /// <exception cref="UserErrorException">Quotes that don't match, a row that is too long or begins with NUL, text that is no UTF-8; with
    /// path and line.</exception>
    public bool Read()
    {
        while (Guarded(_reader.Read))
        {
            Line = _next;
            // The reader counts rows, not lines.
            _next++;
            for (var i = 0; i < FieldCount; i++)
                _next += LineEnds(Field(i));
            if (FieldCount != 1 || Field(0).Length > 0)
                return true;
        }
        return false;
    }

    public void Dispose() => _reader.Dispose();

    private static int LineEnds(ReadOnlySpan<char> field) =>
        field.IndexOfAny('\r', '\n') < 0 ? 0 : field.Count('\r') + field.Count('\n') - field.Count("\r\n");

    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (CsvInvalidCharacterException e) when (e.InvalidCharacter == '"')
        {
            throw new UserErrorException(
                $"{_path}:{_next}  a quote is opened and never closed. Nothing, not even a space, may follow the closing one but a "
                    + $"delimiter or the line's end.",
                e
            );
        }
        catch (CsvInvalidCharacterException e)
        {
            throw new UserErrorException(
                $"{_path}:{_next}  text follows a closing quote; a quote inside a quoted field is written twice.",
                e
            );
        }
        catch (CsvRecordTooLargeException e)
        {
            throw new UserErrorException(
                $"{_path}:{_next}  the row has more than {MaxRowCharacters:N0} characters; is a quote opened and never closed?",
                e
            );
        }
        catch (System.Text.DecoderFallbackException e)
        {
            throw new UserErrorException($"{_path} is not UTF-8 text.", e);
        }
    }
}
