using Spectre.Console;

namespace Tessera.Framework.Messages;

/// <summary>Rows and columns as aligned text without lines or colours, for logs and pipes. Every cell stands whole on one line.</summary>
public static class PlainTable
{
    private const int Unlimited = 1_000_000; // columns of the page; Spectre would wrap what is wider

    /// <param name="header">Names of the columns; empty: the rows alone.</param>
    /// <param name="rows">Cells by column; a row may lack the last ones.</param>
    /// <param name="indent">Blanks before each line.</param>
    /// <param name="alignsNumbers">Columns of numbers, but for the first column, stand at the right.</param>
    /// <returns>Lines without blanks at their ends and without a line break behind the last; "" where there is nothing to show.</returns>
    public static string Format(
        IReadOnlyList<string> header,
        IReadOnlyList<IReadOnlyList<string>> rows,
        int indent = 0,
        bool alignsNumbers = true
    )
    {
        var columns = Math.Max(header.Count, rows.Count == 0 ? 0 : rows.Max(row => row.Count));
        if (columns == 0)
            return "";
        var table = new Table { Border = TableBorder.None, ShowHeaders = header.Count > 0 };
        for (var column = 0; column < columns; column++)
        {
            var isNumeric = alignsNumbers && column > 0 && HasNumbers(rows, column);
            table.AddColumn(
                new TableColumn(Cell(column < header.Count ? header[column] : ""))
                {
                    NoWrap = true,
                    Padding = new Padding(0, 0, column == columns - 1 ? 0 : 2, 0),
                    Alignment = isNumeric ? Justify.Right : Justify.Left,
                }
            );
        }
        foreach (var row in rows)
            table.AddRow(Enumerable.Range(0, columns).Select(column => Cell(column < row.Count ? row[column] : "")));

        using var text = new StringWriter();
        var page = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.No,
                ColorSystem = ColorSystemSupport.NoColors,
                Interactive = InteractionSupport.No,
                Out = new AnsiConsoleOutput(text),
                Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
            }
        );
        page.Profile.Width = Unlimited;
        page.Write(table);
        var lines = text.ToString().TrimEnd().Split('\n');
        return string.Join('\n', lines.Select(line => (new string(' ', indent) + line).TrimEnd()));
    }

    /// <summary>Whether a column holds numbers alone: 12, -0.5, 3.4 G, 12 %, nan, or nothing.</summary>
    public static bool HasNumbers(IReadOnlyList<IReadOnlyList<string>> rows, int column)
    {
        var cells = rows.Select(row => column < row.Count ? row[column] : "").Where(cell => cell.Length > 0).ToArray();
        return cells.Length > 0 && Array.TrueForAll(cells, IsNumber);
    }

    private static bool IsNumber(string cell)
    {
        if (cell is "-" or "NaN" or "nan")
            return true;
        var digits = cell.TrimStart('-', '+');
        return digits.Length > 0 && char.IsAsciiDigit(digits[0]) && !digits.Contains('x', StringComparison.Ordinal);
    }

    private static Text Cell(string text) => new(VisibleText.Of(text.ReplaceLineEndings(" ")));
}
