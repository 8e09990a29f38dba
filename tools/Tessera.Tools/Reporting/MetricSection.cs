using System.Globalization;
using Tessera.Framework.Messages;
using Tessera.Tools.Logs;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>The values of the final evaluation, with what they may be on other images.</summary>
internal static class MetricSection
{
    /// <summary>An evaluation's values: of the stored predictions, or else of the run's end, or else of the last one that was
    /// logged.</summary>
    public static IReadOnlyDictionary<string, double> Values(ReportedRun run)
    {
        if (run.Predictions is { Metrics.Count: > 0 } file)
            return file.Metrics;
        if (run.Result is { Metrics.Count: > 0 } result)
            return result.Metrics.ToDictionary(value => value.Key, value => value.Value ?? double.NaN);
        return run.Scalars.Rows.LastOrDefault(row => row.Kind == "val")?.Values ?? new Dictionary<string, double>();
    }

    /// <summary>The 95 % interval of a value; null where there is none.</summary>
    public static (double Low, double High)? Interval(ReportedRun run, MeasuredRun? measured, string name) =>
        (measured?.Intervals ?? MetricIntervals.OfEvaluation(Values(run))).TryGetValue(name, out var interval)
        && double.IsFinite(interval.Low)
            ? interval
            : null;

    /// <summary>Where <see cref="Values"/> come from, in words.</summary>
    public static string Source(ReportedRun run) =>
        run.Predictions is { Metrics.Count: > 0 } file ? $"on {file.Header.Part}, {Counted.Of(file.Images.Count, "image")}"
        : run.Result is { Metrics.Count: > 0 } ? "on val, at the end of the run"
        : "on val, as logged last";

    /// <summary>Names of the values that are not of one class; those that say whether more or less is better first.</summary>
    public static IReadOnlyList<string> Names(ReportedRun run)
    {
        var values = Values(run);
        var names = values.Keys.ToHashSet();
        var better = run.Result?.Better ?? new Dictionary<string, string>();
        return
        [
            .. values
                .Keys.Where(name =>
                    !DetailKeys.IsDetail(name, names) && name is not (RunTables.Speed or RunTables.Waiting or RunTables.Memory)
                )
                .Where(name => !name.StartsWith("images/", StringComparison.Ordinal))
                .OrderBy(name => better.ContainsKey(name) ? 0 : 1),
        ];
    }

    /// <param name="runs">With what was measured of each; null where nothing could be.</param>
    /// <param name="id">Of the table.</param>
    public static Html Of(IReadOnlyList<(ReportedRun Run, MeasuredRun? Measured)> runs, string id)
    {
        var names = runs.SelectMany(run => Names(run.Run)).Distinct().ToArray();
        if (names.Length == 0)
            return Html.Of($"<p>Nothing was evaluated.</p>");
        var one = runs.Count == 1;
        var columns = new List<PageColumn> { new("value", false, true) };
        foreach (var (run, _) in runs)
        {
            columns.Add(new(one ? Source(run) : run.Name));
            columns.Add(new("95 % interval", false));
            if (one)
                columns.Add(new("best while training", false));
        }
        var rows = names.Select(name =>
            (IReadOnlyList<PageCell>)[PageCell.Of(name), .. runs.SelectMany(run => Cells(run.Run, run.Measured, name, one))]
        );
        return Html.Of(
            $"""
            {PageTable.Of(id, "The final evaluation.", columns, [.. rows])}
            <p class="soft">An interval tells what the value may be on other images of the same kind: Wilson's for an accuracy,
            otherwise the 2.5 and 97.5 percentiles over images drawn anew. It does not tell how much another seed would change the run.</p>
            """
        );
    }

    private static IEnumerable<PageCell> Cells(ReportedRun run, MeasuredRun? measured, string name, bool withBest)
    {
        yield return PageCell.Of(Values(run).GetValueOrDefault(name, double.NaN));
        yield return Interval(run, measured, name) is { } interval
            ? new PageCell(Html.Of($"{Text($"{interval.Low:0.0000} to {interval.High:0.0000}")}"), interval.High - interval.Low)
            : PageCell.Of("–");
        if (withBest)
            yield return PageCell.Of(Best(run, name));
    }

    private static string Best(ReportedRun run, string name)
    {
        var points = run.Scalars.Of("val", name).Where(point => double.IsFinite(point.Y)).ToArray();
        if (points.Length == 0 || run.Result?.Better.GetValueOrDefault(name) is not { } rule)
            return "–";
        var best = rule == "less" ? points.MinBy(point => point.Y) : points.MaxBy(point => point.Y);
        return Text($"{best.Y:0.0000} at {best.X:#,0} (val)");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
