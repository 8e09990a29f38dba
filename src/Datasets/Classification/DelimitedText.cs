using Sylvan.Data.Csv;

namespace Tessera.Datasets.Classification;

/// <summary>Comma- or tab-separated values; a field in double quotes may hold delimiters, line ends and doubled quotes.</summary>
/// <remarks>RFC 4180. There are no comments: a row that begins with # is a row.</remarks>
public static class DelimitedText
{
    private const int MaxRowCharacters = 1 << 20;

    /// <summary>Rows that aren't blank, each with the line it begins at.</summary>
    /// <exception cref="UserErrorException">Quotes that don't match, a row that is too long or begins with NUL; with path and
    /// line.</exception>
    public static IEnumerable<(int Line, string[] Fields)> Read(string path, string text, char delimiter)
    {
        var line = 1;
        var options = new CsvDataReaderOptions
        {
            Delimiter = delimiter,
            HasHeaders = false, // ours are read by ListFile, whose errors name their line
            CsvStyle = CsvStyle.Standard,
            MaxBufferSize = MaxRowCharacters,
            // Sylvan always has a character that begins a comment, and skips such rows.
            Comment = '\0',
            CommentHandler =
                (Action<string>)(_ => throw new UserErrorException($"{path}:{line}  the row begins with a NUL character; is this text?")),
        };
        using var reader = Guarded(path, line, () => CsvDataReader.Create(new StringReader(text), options));
        while (Guarded(path, line, reader.Read))
        {
            var fields = new string[reader.RowFieldCount];
            for (var i = 0; i < fields.Length; i++)
                fields[i] = reader.GetString(i);
            if (fields is not [""])
                yield return (line, fields);
            // The reader counts rows, not lines.
            line += 1 + fields.Sum(LineEnds);
        }
    }

    private static int LineEnds(string field)
    {
        var pairs = field.AsSpan().Count("\r\n");
        return field.AsSpan().Count('\r') + field.AsSpan().Count('\n') - pairs;
    }

    private static T Guarded<T>(string path, int line, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (CsvInvalidCharacterException e) when (e.InvalidCharacter == '"')
        {
            throw new UserErrorException(
                $"{path}:{line}  a quote is opened and never closed. Nothing, not even a space, may follow the closing one but a "
                    + $"delimiter or the line's end.",
                e
            );
        }
        catch (CsvInvalidCharacterException e)
        {
            throw new UserErrorException(
                $"{path}:{line}  text follows a closing quote; a quote inside a quoted field is written twice.",
                e
            );
        }
        catch (CsvRecordTooLargeException e)
        {
            throw new UserErrorException(
                $"{path}:{line}  the row has more than {MaxRowCharacters:N0} characters; is a quote opened and never closed?",
                e
            );
        }
    }
}
