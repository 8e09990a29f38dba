namespace Tessera.Framework.Metrics;

/// <summary>What people are shown of a metric besides its values. <see cref="Metric"/> computes; this presents.</summary>
public sealed record MetricReport
{
    /// <summary>Nothing: the values say it all.</summary>
    public static MetricReport Empty { get; } = new();

    /// <summary>Title, header and rows, in the order they are shown.</summary>
    public IReadOnlyList<MetricTable> Tables { get; init; } = [];

    /// <summary>Names of values that <see cref="Tables"/> show already; lists for people leave them out.</summary>
    public IReadOnlySet<string> InTables { get; init; } = new HashSet<string>();

    /// <summary>What must be known to read the values: which are undefined, and why.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The reports of an evaluation's metrics as one; a note that several give is told once.</summary>
    public static MetricReport Of(IEnumerable<Metric> metrics)
    {
        var reports = metrics.Select(metric => metric.Report()).ToArray();
        return new MetricReport
        {
            Tables = [.. reports.SelectMany(report => report.Tables)],
            InTables = reports.SelectMany(report => report.InTables).ToHashSet(),
            Notes = [.. reports.SelectMany(report => report.Notes).Distinct()],
        };
    }

    /// <summary>The values that no table shows.</summary>
    /// <param name="values">An evaluation's.</param>
    public IEnumerable<KeyValuePair<string, double>> Listed(IReadOnlyDictionary<string, double> values) =>
        values.Where(value => !InTables.Contains(value.Key));
}

/// <summary>A table of an evaluation, for the console and the log. Cells are formatted.</summary>
public sealed record MetricTable(string Title, IReadOnlyList<string> Header, IReadOnlyList<IReadOnlyList<string>> Rows);
