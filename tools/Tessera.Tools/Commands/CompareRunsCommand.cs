using System.CommandLine;
using Tessera.Framework.Errors;
using Tessera.Tools.Comparison;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Says whether runs are better than the first of them, or whether chance explains it.</summary>
internal static class CompareRunsCommand
{
    public static Command Create()
    {
        var arguments = new ComparisonArguments();
        var output = new Option<string?>("--out") { Description = "Write all figures there, as JSON.", HelpName = "comparison.json" };
        var command = new Command(
            "compare-runs",
            "Says whether runs are better than the first one: exit code 0 better, 4 not shown, 5 worse."
        );
        arguments.AddTo(command);
        command.Add(output);
        command.SetAction(parsed =>
        {
            var request = arguments.Read(parsed);
            var judged = Judgement.Of(Compare(request), request.MinGain);
            ComparisonText.Show(judged, request.MinGain);
            if (parsed.GetValue(output) is { } path)
                MetricFiles.Write(path, ComparisonText.Json(judged, request.MinGain));
            return Judgement.ExitCode(judged);
        });
        return command;
    }

    private static FoundDifference[] Compare(ComparisonRequest request)
    {
        var runs = Array.ConvertAll(request.Runs, path => ComparedRun.Open(path, request.Part));
        if (runs.All(run => run is SummarizedRuns))
            return [.. runs.Skip(1).Select(run => RepeatedComparison.Of((SummarizedRuns)runs[0], (SummarizedRuns)run, request.Metric))];
        if (runs.FirstOrDefault(run => run is SummarizedRuns) is { } several)
            throw new UserErrorException(
                $"{several.Name} holds several runs, {runs.First(run => run is PredictedRun).Name} is one. Compare folders of several "
                    + "runs with each other, or the work dirs of single runs."
            );
        var first = (PredictedRun)runs[0];
        foreach (var run in runs.Skip(1).Cast<PredictedRun>())
            ComparisonErrors.RequireSameData(first.Name, first.File, run.Name, run.File);
        var config =
            request.Config
            ?? first.Config
            ?? throw new UserErrorException(
                $"{first.Name}: there is no config.json in its work dir. --config CONFIG says which metrics and data to take."
            );
        using var session = Session.Open(config, new SessionOptions { Overrides = request.Overrides, Note = ToolConsole.Current.Note });
        var comparison = new ImageComparison(first, session, request.Metric, request.Repetitions);
        return [.. runs.Skip(1).Cast<PredictedRun>().Select(comparison.With)];
    }
}
