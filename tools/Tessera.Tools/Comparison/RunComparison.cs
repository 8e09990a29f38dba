using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tools.Comparison;

/// <summary>Compares runs with the first of them.</summary>
internal static class RunComparison
{
    /// <summary>Every run but the first, compared with it.</summary>
    /// <exception cref="UserErrorException">The runs are of several kinds or of other data, or a config or predictions are
    /// missing.</exception>
    public static FoundDifference[] Of(ComparisonRequest request)
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
