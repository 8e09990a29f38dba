using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;

namespace Tessera.Tools.Experiments;

/// <summary>From trained runs to a summary: in files, on the console, as a picture.</summary>
internal static class RunSummaries
{
    /// <summary>Trains the runs and tells what they came to.</summary>
    /// <param name="options">Of the config that all runs share.</param>
    /// <returns>The exit code.</returns>
    public static int Run(ExperimentFolder folder, IReadOnlyList<ExperimentRun> runs, int jobs, RunOptions options)
    {
        var followed = ExperimentSettings.Followed(options);
        var experiment = Experiment.Run(folder, runs, jobs, followed?.Metric);
        if (experiment.Trained.Count > 0)
            Tell(folder, experiment, followed);
        experiment.TellMissing();
        return experiment.ExitCode;
    }

    /// <summary>The best evaluation of each run, where the config keeps it.</summary>
    /// <param name="followed">What the best is chosen by; null where none is kept.</param>
    public static MetricOverRuns? BestOf(IReadOnlyList<TrainedRun> runs, SaveBestOptions? followed)
    {
        if (followed is null)
            return null;
        var greater = (followed.Rule ?? RuleOf(runs, followed.Metric)) == MetricRule.Greater;
        return RunStatistics.Best(runs, followed.Metric, greater);
    }

    private static void Tell(ExperimentFolder folder, Experiment experiment, SaveBestOptions? followed)
    {
        var summary = new ExperimentSummary(folder.Plan.Kind, folder.Plan.Config, experiment.Trained)
        {
            Best = BestOf(experiment.Trained, followed),
            Missing = experiment.Missing,
        };
        if (summary.Metrics.Count == 0)
            throw new UserErrorException($"{SourceLocation.Display(folder.Path)}: no run was evaluated, so there is nothing to tell.");
        summary.Write(folder.Path);
        SummaryPicture.Save(summary, folder.Path);
        SummaryText.Show(summary);
        Experiment.TellFiles(folder.Path, ExperimentSummary.FileName, "runs.csv", SummaryPicture.FileName);
    }

    private static MetricRule RuleOf(IReadOnlyList<TrainedRun> runs, string metric) =>
        runs.Any(run => run.Result.Better.GetValueOrDefault(metric) == "less") ? MetricRule.Less : MetricRule.Greater;
}
