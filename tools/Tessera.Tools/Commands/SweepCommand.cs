using System.CommandLine;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Metrics;
using Tessera.Tools.Experiments;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Trains every combination of a grid with several seeds, and compares.</summary>
internal static class SweepCommand
{
    public static Command Create()
    {
        var grid = new Argument<string>("GRID") { Description = "The file with the base config, the axes and the repeats." };
        var metric = CommandLine.Option<string?>(
            "--metric",
            "NAME",
            "What cells are ranked by, as val gives it. Default: what the config keeps the best checkpoint by, or val's first."
        );
        var shared = new ExperimentArguments("work_dirs/NAME-OF-GRID_sweep");
        var command = new Command(
            "sweep",
            "Trains every combination of losses, optimizers, sizes … with several seeds, and ranks them by val."
        )
        {
            grid,
            metric,
        };
        shared.AddTo(command);
        command.SetAction(parsed => Run(parsed.GetRequiredValue(grid), parsed.GetValue(metric), shared.Read(parsed)));
        return command;
    }

    private static int Run(string path, string? metric, ExperimentSettings settings)
    {
        var grid = ConfigGrid.Load(path, settings.Overrides);
        using var session = Session.Open(grid.Base);
        if (metric is not null)
            RequireMetric(session, metric);
        var seeds = grid.Seeds ?? SeedList.From(session.Options.Seed, grid.Repeats ?? 1, "repeats");
        var plan = new ExperimentPlan(SweepText.Kind, path) { Threads = settings.ThreadsOf(session.Options) };
        var workDir = settings.WorkDir ?? Path.Combine("work_dirs", $"{Path.GetFileNameWithoutExtension(path)}_sweep");
        SweepCells.Of(grid, seeds, plan); // mistakes are told before a folder is made
        using var folder = ExperimentFolder.Open(workDir, plan, settings.Overwrite);
        var cells = SweepCells.Of(grid, seeds, folder.Plan);
        SweepText.Announce(cells, seeds);
        var followed = ExperimentSettings.Followed(session.Options);
        var experiment = Experiment.Run(folder, [.. cells.SelectMany(cell => cell.Runs)], settings.Jobs, metric ?? followed?.Metric);
        if (experiment.Trained.Count > 0)
            Tell(folder, grid, cells, experiment.Trained, metric, followed);
        experiment.TellMissing();
        return experiment.ExitCode;
    }

    /// <summary>A name that val doesn't give is told before anything is trained.</summary>
    private static void RequireMetric(Session session, string name)
    {
        ExperimentSettings.RequireEvaluation(session);
        var metrics = session.Data.CreateMetrics(DataPart.Val).Values.ToArray();
        foreach (var metric in metrics)
            metric.Reset(session.Data[DataPart.Val].Info);
        if (MetricLookup.Giving(metrics, name) is null)
            throw MetricLookup.Unknown("--metric", name, metrics.SelectMany(metric => metric.Compute().Keys));
    }

    private static void Tell(
        ExperimentFolder folder,
        ConfigGrid grid,
        IReadOnlyList<SweepCell> cells,
        IReadOnlyList<TrainedRun> trained,
        string? asked,
        SaveBestOptions? followed
    )
    {
        var metrics = RunStatistics.Of(trained);
        var name = asked ?? followed?.Metric;
        var metric = name is null
            ? RunStatistics.Whole(metrics).FirstOrDefault(entry => entry.Better is not null) ?? metrics[0]
            : metrics.FirstOrDefault(entry => entry.Name == name)
                ?? throw MetricLookup.Unknown("--metric", name, metrics.Select(entry => entry.Name));
        var greater = followed?.Metric == metric.Name && followed.Rule is { } rule ? rule == MetricRule.Greater : metric.Better != "less";
        var result = SweepResult.Of(grid, cells, trained, metric.Name, greater);
        result.Write(folder.Path);
        SweepPicture.Save(result, folder.Path);
        SweepText.Show(result);
        Experiment.TellFiles(folder.Path, ExperimentSummary.FileName, SweepCosts.FileName, SweepPicture.FileName);
    }
}
