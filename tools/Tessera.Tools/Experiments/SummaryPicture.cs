using Tessera.Framework.Messages;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Output;

namespace Tessera.Tools.Experiments;

/// <summary>A summary as a picture: every run's value, the mean and its interval; a panel for each metric.</summary>
internal static class SummaryPicture
{
    /// <summary>The file's name.</summary>
    public const string FileName = "runs.png";

    private const int MostPanels = 6,
        MostRows = 20;

    public static void Save(ExperimentSummary summary, string folder)
    {
        var panels = RunStatistics
            .Whole(summary.Metrics)
            .Where(metric => metric.Over.Count > 0)
            .Take(MostPanels)
            .Select(metric => Panel(summary.Runs, metric))
            .ToArray();
        if (panels.Length == 0)
            return;
        new ChartPage
        {
            Title = $"{summary.Config}: {Counted.Of(summary.Runs.Count, "run")}",
            Columns = panels.Length == 1 ? 1 : 2,
            Charts = panels,
        }.Save(Path.Combine(folder, FileName));
    }

    private static DotChart Panel(IReadOnlyList<TrainedRun> runs, MetricOverRuns metric)
    {
        var rows =
            runs.Count <= MostRows
                ? runs.Select(run => new DotRow(run.Run.Name, [run[metric.Name]]))
                : runs.GroupBy(run => run.Run.Fold)
                    .Select(group => new DotRow(
                        group.Key is { } fold ? $"fold {fold}" : "each run",
                        [.. group.Select(run => run[metric.Name])]
                    ));
        DotRow[] all = [.. rows, new DotRow("mean, 95 % interval", [], metric.Over.Mean, metric.Over.Interval)];
        if (metric.Over.Interval is null)
            all[^1] = all[^1] with { Name = "mean" };
        return new DotChart
        {
            Title = metric.Name,
            Rows = all,
            Reference = all.Length - 1,
        };
    }
}
