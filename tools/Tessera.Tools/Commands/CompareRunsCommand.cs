using System.CommandLine;
using Tessera.Tools.Comparison;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Says whether runs are better than the first of them, or whether chance explains it.</summary>
internal static class CompareRunsCommand
{
    public static Command Create()
    {
        var arguments = new ComparisonArguments();
        var output = CommandLine.Option<string?>("--out", "comparison.json", "Write all figures there, as JSON.");
        var command = new Command(
            "compare-runs",
            "Says whether runs are better than the first one: exit code 0 better, 4 not shown, 5 worse."
        );
        arguments.AddTo(command);
        command.Add(output);
        command.SetAction(parsed =>
        {
            var request = arguments.Read(parsed);
            var judged = Judgement.Of(RunComparison.Of(request), request.MinGain);
            ComparisonText.Show(judged, request.MinGain);
            if (parsed.GetValue(output) is { } path)
                MetricFiles.Write(path, ComparisonText.Json(judged, request.MinGain));
            return Judgement.ExitCode(judged);
        });
        return command;
    }
}
