using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Classification;

/// <summary>Comma- or tab-separated values; a field in double quotes may hold delimiters, line ends and doubled quotes.</summary>
/// <remarks>RFC 4180. There are no comments: a row that begins with # is a row.</remarks>
public static class DelimitedText
{
    private static readonly (char Sign, string Name)[] s_delimiters = [(',', "commas"), ('\t', "tabs"), (';', "semicolons"), ('|', "bars")];

    /// <summary>Rows that aren't blank, each with the line it begins at.</summary>
    /// <exception cref="UserErrorException">Quotes that don't match, a row that is too long or begins with NUL, a first row that is
    /// delimited by another sign; with path and line.</exception>
    public static IEnumerable<(int Line, string[] Fields)> Read(string path, string text, char delimiter)
    {
        using var reader = new DelimitedReader(path, new StringReader(text), delimiter);
        for (var first = true; reader.Read(); first = false)
        {
            if (first && reader.FieldCount == 1)
                RequireDelimiter(path, reader.Line, reader.Text(0), delimiter);
            var fields = new string[reader.FieldCount];
            for (var i = 0; i < fields.Length; i++)
                fields[i] = reader.Text(i);
            yield return (reader.Line, fields);
        }
    }

    private static void RequireDelimiter(string path, int line, string row, char delimiter)
    {
        foreach (var (sign, name) in s_delimiters)
            if (sign != delimiter && row.Contains(sign, StringComparison.Ordinal))
                throw new UserErrorException(
                    $"{path}:{line}  the fields are delimited by {name}; {Array.Find(s_delimiters, entry => entry.Sign == delimiter).Name} "
                        + $"are expected (.csv: commas, .tsv: tabs)."
                );
    }
}
