using System.Text;

namespace Tessera.Datasets.Classification;

/// <summary>Comma- or tab-separated values; a field in double quotes may hold delimiters, line ends and doubled quotes.</summary>
/// <remarks>RFC 4180.</remarks>
internal static class DelimitedText
{
    /// <summary>Rows that aren't blank, each with the line it begins at.</summary>
    public static IEnumerable<(int Line, List<string> Fields)> Read(string path, string text, char delimiter)
    {
        var (at, line) = (0, 1);
        while (at < text.Length)
        {
            var first = line;
            var fields = ReadRow(path, text, delimiter, ref at, ref line);
            if (fields is not [{ Length: 0 }]) yield return (first, fields);
        }
    }

    private static List<string> ReadRow(string path, string text, char delimiter, ref int at, ref int line)
    {
        var fields = new List<string>();
        while (true)
        {
            fields.Add(at < text.Length && text[at] == '"' ? Quoted(path, text, ref at, ref line) : Plain(text, delimiter, ref at));
            if (at < text.Length && text[at] == delimiter)
            {
                at++;
                continue;
            }
            if (at < text.Length && text[at] == '\r') at++;
            if (at < text.Length && text[at] != '\n')
                throw new UserErrorException($"{path}:{line}  text follows a closing quote; a quote inside a quoted field is written twice.");
            at++;
            line++;
            return fields;
        }
    }

    private static string Plain(string text, char delimiter, ref int at)
    {
        var start = at;
        while (at < text.Length && text[at] != delimiter && text[at] != '\n' && !(text[at] == '\r' && at + 1 < text.Length && text[at + 1] == '\n')) at++;
        return text[start..at].TrimEnd('\r');
    }

    private static string Quoted(string path, string text, ref int at, ref int line)
    {
        var (field, opened) = (new StringBuilder(), line);
        for (at++; at < text.Length; at++)
        {
            if (text[at] == '"')
            {
                if (at + 1 == text.Length || text[at + 1] != '"')
                {
                    at++;
                    return field.ToString();
                }
                at++;
            }
            if (text[at] == '\n') line++;
            field.Append(text[at]);
        }
        throw new UserErrorException($"{path}:{opened}  a quote is opened and never closed.");
    }
}
