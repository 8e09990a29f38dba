using System.Text;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;

namespace Tessera.Framework.Metrics;

/// <summary>A metric's table as aligned text, for logs.</summary>
public static class TextTable
{
    public static string Format(MetricTable table)
    {
        IReadOnlyList<string>[] rows = [table.Header, .. table.Rows];
        var widths = Enumerable
            .Range(0, table.Header.Count)
            .Select(column => rows.Max(row => column < row.Count ? row[column].Length : 0))
            .ToArray();
        var text = new StringBuilder(table.Title);
        foreach (var row in rows)
        {
            text.AppendLine();
            for (var column = 0; column < row.Count; column++)
                text.Append(column == 0 ? row[column].PadRight(widths[column]) : "  " + row[column].PadLeft(widths[column]));
        }
        return text.ToString();
    }
}
