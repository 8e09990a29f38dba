using System.Globalization;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Running;
using Tessera.Tools.Output;

namespace Tessera.Tools.Experiments;

/// <summary>Trains a run once more from what its folder holds, and compares.</summary>
internal static class RunAgain
{
    private const int MostTold = 12;

    /// <param name="run">The run's folder.</param>
    /// <returns>The exit code: 0 where the metrics are the same.</returns>
    /// <exception cref="UserErrorException">The folder is no run's, or the training fails.</exception>
    public static int Run(string run, ExperimentSettings settings)
    {
        run = Path.TrimEndingDirectorySeparator(Path.GetFullPath(run));
        var (facts, result) = Read(run);
        var folder = Path.GetFullPath(settings.WorkDir ?? $"{run}_again");
        if (!settings.Overwrite)
            ExperimentFolder.RequireNoRun(folder);
        Train(run, folder, facts, settings);
        var (now, again) = Read(folder);
        return Tell(run, folder, (facts, result), (now, again));
    }

    private static (RunFacts Facts, RunResult Result) Read(string run)
    {
        var shown = SourceLocation.Display(run);
        foreach (var name in (string[])[WorkFolder.ConfigName, RunFacts.FileName, RunResult.FileName])
            if (!File.Exists(Path.Combine(run, name)))
                throw new UserErrorException(
                    $"{shown}: it has no {name}. A work dir of tools/train that has come to its end was expected; runs of earlier versions "
                        + "have no record of what they were begun with."
                );
        if (RunResult.Read(run) is not { Complete: true } result)
            throw new UserErrorException($"{shown}: the run was interrupted, so there is nothing to compare with. Resume it first.");
        return (RunFacts.Read(run)!, result);
    }

    private static void Train(string run, string folder, RunFacts facts, ExperimentSettings settings)
    {
        Directory.CreateDirectory(folder);
        var console = ToolConsole.Current;
        console.Note($"Training {SourceLocation.Display(run)} again into {SourceLocation.Display(folder)}.");
        // As many threads as then: sums come out in the same order.
        string[] changes = [string.Create(CultureInfo.InvariantCulture, $"threads={facts.Threads}"), .. settings.Overrides];
        using var child = ChildRun.Start(
            Path.Combine(run, WorkFolder.ConfigName),
            folder,
            [.. settings.Overwrite ? (string[])["--overwrite"] : [], "--cfg-options", .. changes],
            start =>
            {
                if (Directory.Exists(facts.Directory))
                    start.WorkingDirectory = facts.Directory;
                foreach (var (name, value) in facts.Variables)
                    if (value is null)
                        start.Environment.Remove(name);
                    else
                        start.Environment[name] = value;
            }
        );
        var (code, complaint) = child.Wait();
        if (code != 0)
            throw new UserErrorException(
                $"{SourceLocation.Display(folder)}: the training failed; all that it said is in "
                    + SourceLocation.Display(Path.Combine(folder, ExperimentFolder.ConsoleName))
                    + $"\n  {complaint.ReplaceLineEndings("\n  ")}"
            );
    }

    private static int Tell(string run, string folder, (RunFacts Facts, RunResult Result) before, (RunFacts Facts, RunResult Result) now)
    {
        var console = ToolConsole.Current;
        var differing = before
            .Result.Metrics.Keys.Union(now.Result.Metrics.Keys)
            .Select(name => (Name: name, Before: Value(before.Result, name), Now: Value(now.Result, name)))
            .Where(metric => !metric.Before.Equals(metric.Now))
            .ToArray();
        foreach (var difference in Circumstances(run, folder, before.Facts, now.Facts))
            console.Line($"Not as then: {difference}");
        var same = differing.Length == 0 && before.Result.Iteration == now.Result.Iteration;
        if (same)
        {
            console.Line(
                $"The same to the last bit: {Counted.Of(now.Result.Metrics.Count, "value")} of the final evaluation, after iteration "
                    + $"{now.Result.Iteration}."
            );
            return 0;
        }
        if (before.Result.Iteration != now.Result.Iteration)
            console.Line($"Not the same: it ended at iteration {now.Result.Iteration}, then at {before.Result.Iteration}.");
        if (differing.Length > 0)
        {
            console.Line($"Not the same: {differing.Length} of {Counted.Of(now.Result.Metrics.Count, "value")}.");
            console.Table(
                ["metric", "then", "now", "difference"],
                differing
                    .Take(MostTold)
                    .Select(metric => (string[])[metric.Name, Text(metric.Before), Text(metric.Now), Text(metric.Now - metric.Before)])
            );
        }
        return CommandLine.Mistake;
    }

    /// <summary>What may be why the metrics differ.</summary>
    private static IEnumerable<string> Circumstances(string run, string folder, RunFacts before, RunFacts now)
    {
        foreach (var (name, value) in before.Environment)
            if (now.Environment.GetValueOrDefault(name) is var present && present != value && name != "memory")
                yield return $"{name} is {present ?? "not known"}; it was {value}";
        foreach (
            var (part, then, present) in new[] { ("train", before.Train, (DataFacts?)now.Train), ("val", before.Val ?? new(), now.Val) }
        )
        {
            if (then.Samples != (present?.Samples ?? 0))
                yield return $"{part} has {present?.Samples ?? 0} samples; it had {then.Samples}";
            else if (then.List is { } list && present?.List is { } other && !SameFile(Path.Combine(run, list), Path.Combine(folder, other)))
                yield return $"the samples of {part} are others, or in another order: {list}";
        }
    }

    private static bool SameFile(string one, string other) =>
        File.Exists(one) && File.Exists(other) && File.ReadAllBytes(one).AsSpan().SequenceEqual(File.ReadAllBytes(other));

    private static double Value(RunResult result, string metric) => result.Metrics.GetValueOrDefault(metric) ?? double.NaN;

    private static string Text(double value) => double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : "undefined";
}
