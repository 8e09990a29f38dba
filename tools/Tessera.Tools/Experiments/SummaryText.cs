using System.Globalization;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics.Statistics;
using Tessera.Tools.Output;

namespace Tessera.Tools.Experiments;

/// <summary>A summary on the console.</summary>
internal static class SummaryText
{
    private const int MostColumns = 4;

    public static void Show(ExperimentSummary summary)
    {
        var console = ToolConsole.Current;
        ShowRuns(console, summary);
        console.Heading($"Over {Counted.Of(summary.Runs.Count, "run")}, final evaluation");
        var main = RunStatistics.Whole(summary.Metrics);
        console.Table(["metric", "mean", "deviation", "95 % interval", "lowest", "highest", "runs"], main.Select(Row));
        if (main.Count < summary.Metrics.Count)
            console.Line($"{Counted.Of(summary.Metrics.Count - main.Count, "value")} more, such as those of single classes: summary.json.");
        foreach (var note in Notes(summary))
            console.Line(note);
    }

    /// <summary>0.9034, 0.8912 to 0.9156.</summary>
    public static string Interval(MeanInterval over) =>
        over.Interval is { } interval ? $"{Number(interval.Low)} to {Number(interval.High)}" : "";

    public static string Number(double value) => double.IsFinite(value) ? value.ToString("0.0000", CultureInfo.InvariantCulture) : "";

    /// <summary>Why there is no interval; null where there is one.</summary>
    public static string? WithoutInterval(int runs) =>
        runs >= MeanInterval.FewestRuns
            ? null
            : $"{Counted.Of(runs, "run")}: an interval needs at least {MeanInterval.FewestRuns}, so none is given; "
                + "from 5 on it is worth having.";

    private static void ShowRuns(ToolConsole console, ExperimentSummary summary)
    {
        var shown = RunStatistics.Whole(summary.Metrics).Take(MostColumns).ToArray();
        console.Heading("Runs");
        console.Table(
            ["run", "train", "val", .. shown.Select(metric => metric.Name), "ended"],
            summary.Runs.Select(run =>
                (string[])
                    [
                        run.Run.Name,
                        run.Facts.Train.Samples.ToString("#,0", CultureInfo.InvariantCulture),
                        run.Facts.Val?.Samples.ToString("#,0", CultureInfo.InvariantCulture) ?? "",
                        .. shown.Select(metric => Number(run[metric.Name])),
                        $"iteration {run.Result.Iteration}{(run.Result.Stopped is { } reason ? $": {reason}" : "")}",
                    ]
            )
        );
    }

    private static string[] Row(MetricOverRuns metric) =>
        [
            metric.Name,
            Number(metric.Over.Mean),
            Number(metric.Over.Deviation),
            Interval(metric.Over),
            metric.Values.Count > 0 ? Number(metric.Values.Min()) : "",
            metric.Values.Count > 0 ? Number(metric.Values.Max()) : "",
            $"{metric.Over.Count}",
        ];

    private static IEnumerable<string> Notes(ExperimentSummary summary)
    {
        yield return "What counts is each run's final evaluation. The deviation is that of a sample (n - 1), the interval Student's.";
        if (WithoutInterval(summary.Runs.Count) is { } few)
            yield return few;
        if (summary.Metrics.Where(metric => metric.Over.Count < summary.Runs.Count).Select(metric => metric.Name).ToArray() is [_, ..] gaps)
            yield return "Not defined in every run, and counted over the others: "
                + $"{string.Join(", ", gaps.Take(5))}{(gaps.Length > 5 ? ", …" : "")}.";
        if (summary.Kind == CrossValidation.Kind)
            yield return "Folds share training data, so their scatter is no measure of how two models differ: tools/compare-runs "
                + "corrects for it.";
        if (summary.Best is { } best)
            yield return $"At each run's best evaluation {best.Name} is {Number(best.Over.Mean)} on average, deviation "
                + $"{Number(best.Over.Deviation)}: chosen "
                + "on the very data it is measured on, so too good; no figure to report.";
        if (summary.Missing > 0)
            yield return $"{Counted.Of(summary.Missing, "run is", "runs are")} missing in these figures.";
    }
}
