using Tessera.Framework.Messages;

namespace Tessera.Framework.Metrics;

/// <summary>A metric's table as aligned text, for logs.</summary>
public static class TextTable
{
    /// <returns>The title, the header and the rows, a line each.</returns>
    public static string Format(MetricTable table) => $"{table.Title}\n{PlainTable.Format(table.Header, table.Rows)}";
}
