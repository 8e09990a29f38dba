using System.Text;
using Spectre.Console;

namespace Tessera.Framework.Messages;

/// <summary>Rows and columns as aligned text without lines or colours, for logs and pipes. Every cell stands whole on one line.</summary>
public static class PlainTable
{
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
        string[][] cells = [.. (header.Count > 0 ? rows.Prepend(header) : rows).Select(row => row.Select(Cell).ToArray())];
        var layout = Enumerable
            .Range(0, columns)
            .Select(column =>
                (
                    Width: cells.Max(row => column < row.Length ? row[column].GetCellWidth() : 0),
                    AtTheRight: alignsNumbers && column > 0 && HasNumbers(rows, column)
                )
            )
            .ToArray();
        var text = new StringBuilder();
        foreach (var row in cells)
        {
            var line = new StringBuilder().Append(' ', indent);
            for (var column = 0; column < row.Length; column++)
            {
                var blanks = layout[column].Width - row[column].GetCellWidth();
                line.Append(' ', column == 0 ? 0 : 2)
                    .Append(' ', layout[column].AtTheRight ? blanks : 0)
                    .Append(row[column])
                    .Append(' ', layout[column].AtTheRight ? 0 : blanks);
            }
            text.Append(line.ToString().TrimEnd()).Append('\n');
        }
        return text.ToString().TrimEnd('\n');
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

    private static string Cell(string text) => VisibleText.Of(text.ReplaceLineEndings(" "));
}
