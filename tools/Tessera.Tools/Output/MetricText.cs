using System.Globalization;
using Tessera.Framework.Metrics;

namespace Tessera.Tools.Output;

/// <summary>An evaluation's values on the console.</summary>
internal static class MetricText
{
    public static void Show(IReadOnlyDictionary<string, double> values, IReadOnlyDictionary<string, Metric> metrics)
    {
        var console = ToolConsole.Current;
        var report = MetricReport.Of(metrics.Values);
        foreach (var table in report.Tables)
        {
            console.Table(table);
            console.Line();
        }
        console.Fields([
            .. report.Listed(values).Select(value => (value.Key, value.Value.ToString("0.0000", CultureInfo.InvariantCulture))),
        ]);
        foreach (var note in report.Notes)
            console.Line(note);
    }

    /// <summary>On the console, and into a file where one is named.</summary>
    public static void Report(IReadOnlyDictionary<string, double> values, IReadOnlyDictionary<string, Metric> metrics, string? output)
    {
        Show(values, metrics);
        if (output is null)
            return;
        MetricFiles.Write(output, values);
        MetricFiles.WriteDetails(output, metrics);
    }
}
