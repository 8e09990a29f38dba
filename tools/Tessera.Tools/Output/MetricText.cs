using System.Globalization;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;

namespace Tessera.Tools.Output;

/// <summary>An evaluation's values on the console.</summary>
internal static class MetricText
{
    public static void Show(IReadOnlyDictionary<string, double> values, IReadOnlyDictionary<string, Metric> metrics)
    {
        var report = MetricReport.Of(metrics.Values);
        foreach (var table in report.Tables)
            Console.WriteLine(TextTable.Format(table));
        var shown = report.Listed(values).ToArray();
        var width = shown.Select(value => value.Key.Length).DefaultIfEmpty().Max();
        foreach (var (name, value) in shown)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name.PadRight(width)}  {value:0.0000}"));
        foreach (var note in report.Notes)
            Console.WriteLine(note);
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
