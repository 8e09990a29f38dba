using Tessera.Framework.Metrics.Statistics;
using Tessera.Framework.Running;
using Tessera.Tools.Logs;

namespace Tessera.Tools.Experiments;

/// <summary>A metric over several runs.</summary>
/// <param name="Name">As evaluation gives it.</param>
/// <param name="Better">"greater" or "less"; null where its metric doesn't say.</param>
/// <param name="Values">Of the runs in which it is defined.</param>
internal sealed record MetricOverRuns(string Name, string? Better, IReadOnlyList<double> Values)
{
    /// <summary>Mean, deviation and interval.</summary>
    public MeanInterval Over { get; } = MeanInterval.Of(Values);
}

/// <summary>The metrics of several runs.</summary>
internal static class RunStatistics
{
    /// <summary>Every metric that some run has, in the order of the first run.</summary>
    /// <param name="runs">All of them trained.</param>
    public static IReadOnlyList<MetricOverRuns> Of(IReadOnlyList<TrainedRun> runs) =>
        [
            .. runs.SelectMany(run => run.Result.Metrics.Keys)
                .Distinct()
                .Where(name => name is not (Evaluator.MeasuredKey or Evaluator.LeftOutKey))
                .Select(name => new MetricOverRuns(name, BetterOf(runs, name), Defined(runs.Select(run => run[name])))),
        ];

    /// <summary>The same of each run's best evaluation by one metric; empty where no run has such values.</summary>
    /// <param name="metric">The metric that the best is chosen by.</param>
    /// <param name="greater">Whether more of it is better.</param>
    public static MetricOverRuns Best(IReadOnlyList<TrainedRun> runs, string metric, bool greater)
    {
        var best = new List<double>();
        foreach (var run in runs)
        {
            var values = Defined(RunScalars.Load(run.Folder).Of("val", metric).Select(point => point.Y));
            if (values.Count > 0)
                best.Add(greater ? values.Max() : values.Min());
        }
        return new MetricOverRuns(metric, greater ? "greater" : "less", best);
    }

    /// <summary>Those that are not of a single class, and not the end of an interval.</summary>
    public static IReadOnlyList<MetricOverRuns> Whole(IReadOnlyList<MetricOverRuns> metrics)
    {
        var names = metrics.Select(metric => metric.Name).ToHashSet();
        var main = metrics.Where(metric => !DetailKeys.IsDetail(metric.Name, names)).ToArray();
        return main.Length > 0 ? main : metrics;
    }

    private static string? BetterOf(IReadOnlyList<TrainedRun> runs, string name) =>
        runs.Select(run => run.Result.Better.GetValueOrDefault(name)).FirstOrDefault(better => better is "greater" or "less");

    private static List<double> Defined(IEnumerable<double> values) => [.. values.Where(double.IsFinite)];
}
