using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Classification;

/// <summary>Comma- or tab-separated values; a field in double quotes may hold delimiters, line ends and doubled quotes.</summary>
/// <remarks>RFC 4180. There are no comments: a row that begins with # is a row.</remarks>
public static class DelimitedText
{
    /// <summary>Rows that aren't blank, each with the line it begins at.</summary>
    /// <exception cref="UserErrorException">Quotes that don't match, a row that is too long or begins with NUL; with path and
    /// line.</exception>
    public static IEnumerable<(int Line, string[] Fields)> Read(string path, string text, char delimiter)
    {
        using var reader = new DelimitedReader(path, new StringReader(text), delimiter);
        while (reader.Read())
        {
            var fields = new string[reader.FieldCount];
            for (var i = 0; i < fields.Length; i++)
                fields[i] = reader.Text(i);
            yield return (reader.Line, fields);
        }
    }
}
