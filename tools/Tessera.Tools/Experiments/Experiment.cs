using Tessera.Framework.Configuration;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;

namespace Tessera.Tools.Experiments;

/// <summary>Trains the runs of an experiment, and tells what has become of them.</summary>
internal sealed class Experiment
{
    private Experiment(IReadOnlyList<TrainedRun> trained, IReadOnlyList<FailedRun> failed, int missing) =>
        (Trained, Failed, Missing) = (trained, failed, missing);

    /// <summary>The runs that have come to their end, in the order of the plan.</summary>
    public IReadOnlyList<TrainedRun> Trained { get; }

    public IReadOnlyList<FailedRun> Failed { get; }

    /// <summary>Runs that are planned and have not come to their end, failed ones included.</summary>
    public int Missing { get; }

    /// <summary>0 where all is trained.</summary>
    public int ExitCode => Missing == 0 ? 0 : CommandLine.Mistake;

    /// <param name="metric">Shown as runs end; null for none.</param>
    public static Experiment Run(ExperimentFolder folder, IReadOnlyList<ExperimentRun> runs, int jobs, string? metric)
    {
        folder.Prepare(runs);
        using var queue = new RunQueue(folder, runs, metric);
        var failed = queue.Train(jobs);
        var trained = runs.Select(folder.Trained).OfType<TrainedRun>().ToArray();
        return new Experiment(trained, failed, runs.Count - trained.Length);
    }

    /// <summary>Names what failed or is missing; after the results, so that it is seen.</summary>
    public void TellMissing()
    {
        var console = ToolConsole.Current;
        foreach (var failed in Failed)
            console.Error(
                $"{failed.Run.Name} failed with exit code {failed.Code}; all that it said is in {failed.Log}\n  "
                    + failed.Reason.ReplaceLineEndings("\n  ")
            );
        if (Missing > 0)
            console.Error(
                $"{Counted.Of(Missing, "run is", "runs are")} not trained to the end. The same command goes on with "
                    + $"{(Missing == 1 ? "it" : "them")} and keeps those that are."
            );
    }

    /// <summary>Says where files are.</summary>
    public static void TellFiles(string folder, params string[] names) =>
        ToolConsole.Current.Line(string.Join("\n", names.Select(name => SourceLocation.Display(Path.Combine(folder, name)))));
}
