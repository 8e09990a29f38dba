using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Metrics.Statistics;
using Tessera.Predictions;

namespace Tessera.Tools.Comparison;

/// <summary>Compares two summaries, run by run of the same seed and fold.</summary>
internal static class RepeatedComparison
{
    /// <param name="metric">null: the first that both have.</param>
    /// <exception cref="UserErrorException">They are not of the same seeds, folds and data.</exception>
    public static FoundDifference Of(SummarizedRuns first, SummarizedRuns second, string? metric)
    {
        var (a, b) = (first.Summary, second.Summary);
        if (a.IsFolds != b.IsFolds)
            throw new UserErrorException(
                $"{first.Name} is of {Kind(a)}, {second.Name} of {Kind(b)}. Only runs of one kind can be paired: {a.Tool} makes the others."
            );
        var known = a.Rules.Keys.Where(b.Rules.ContainsKey).ToArray();
        var name =
            metric ?? known.FirstOrDefault() ?? throw new UserErrorException($"{first.Name} and {second.Name} have no metric in common.");
        if (!known.Contains(name))
            throw ComparisonErrors.NoMetric(name, known);
        var pairs = Pair(first, second);
        double[] firsts = [.. pairs.Select(pair => ValueOf(first, pair.First, name))],
            seconds = [.. pairs.Select(pair => ValueOf(second, pair.Second, name))];
        double[] differences = [.. seconds.Zip(firsts, (x, y) => x - y)];
        var test = a.IsFolds ? PairedTTest.OfFolds(differences, TestShare(first)) : PairedTTest.OfSeeds(differences);
        return new FoundDifference
        {
            First = first.Name,
            Second = second.Name,
            Metric = name,
            Rule = a.Rules[name],
            Values = (firsts.Average(), seconds.Average()),
            Interval = test.Interval,
            PValue = difference => pairs.Length < MeanInterval.FewestRuns ? double.NaN : test.PValue(difference),
            Test = a.IsFolds ? "corrected resampled t test (Nadeau and Bengio)" : "paired t test",
            Pairs = $"{pairs.Length} {(pairs.Length == 1 ? "pair" : "pairs")} of runs on the same {(a.IsFolds ? "folds" : "seeds")}",
            Further = Further(differences, test),
        };
    }

    private static (string, double)[] Further(double[] differences, PairedTTest test) =>
        [
            ("t", test.T()),
            .. differences.Length <= Wilcoxon.MostPairs
                ? [("wilcoxon_p", Wilcoxon.Test(differences).PValue)]
                : Array.Empty<(string, double)>(),
        ];

    private static (SummarizedRun First, SummarizedRun Second)[] Pair(SummarizedRuns first, SummarizedRuns second)
    {
        var others = second.Summary.Runs.ToDictionary(run => (run.Fold, run.Seed));
        RequireAll(second, first, others.Keys);
        RequireAll(first, second, [.. first.Summary.Runs.Select(run => (run.Fold, run.Seed))]);
        (SummarizedRun First, SummarizedRun Second)[] pairs = [.. first.Summary.Runs.Select(run => (run, others[(run.Fold, run.Seed)]))];
        foreach (var (a, b) in pairs)
            RequireSameData(first, a, second, b);
        return pairs;
    }

    private static void RequireAll(SummarizedRuns runs, SummarizedRuns others, IReadOnlyCollection<(int?, long)> has)
    {
        var missing = others.Summary.Runs.Where(run => !has.Contains((run.Fold, run.Seed))).ToArray();
        if (missing.Length > 0)
            throw new UserErrorException(
                $"{runs.Name} lacks {missing.Length} of the runs of {others.Name}: "
                    + $"{string.Join("; ", missing.Take(5).Select(run => run.Name))}"
                    + $"{(missing.Length > 5 ? " …" : "")}. {runs.Summary.Tool} on the same folds and seeds makes them."
            );
    }

    private static void RequireSameData(SummarizedRuns first, SummarizedRun a, SummarizedRuns second, SummarizedRun b)
    {
        if ((a.TrainSamples, a.ValSamples) != (b.TrainSamples, b.ValSamples))
            throw new UserErrorException(
                $"{a.Name}: {first.Name} was trained on {a.TrainSamples} samples and measured on {a.ValSamples}, {second.Name} on "
                    + $"{b.TrainSamples} and {b.ValSamples}. They are of other data; {first.Summary.Tool} on the same data "
                    + $"makes runs that can be "
                    + "compared."
            );
        var (ours, theirs) = (Stored(first, a), Stored(second, b));
        if (ours is not null && theirs is not null && ours.DataHash != theirs.DataHash)
            ComparisonErrors.RequireSameData(Path.Combine(first.Name, a.Folder), ours, Path.Combine(second.Name, b.Folder), theirs);
    }

    private static PredictionFile? Stored(SummarizedRuns runs, SummarizedRun run) =>
        Path.GetFullPath(Path.Combine(runs.Summary.Folder, run.Folder)) is var folder
        && folder.StartsWith(runs.Summary.Folder, StringComparison.Ordinal)
        && Directory.Exists(folder)
        && PredictionFolder.Find(folder, "val") is { } file
            ? PredictionFile.Open(file)
            : null;

    private static double TestShare(SummarizedRuns runs)
    {
        var (train, val) = (runs.Summary.Runs.Sum(run => run.TrainSamples), runs.Summary.Runs.Sum(run => run.ValSamples));
        return train > 0 && val > 0
            ? (double)val / train
            : throw new UserErrorException($"{runs.Name}: its runs were trained on {train} samples and measured on {val}.");
    }

    private static double ValueOf(SummarizedRuns runs, SummarizedRun run, string metric) =>
        run.Metrics.TryGetValue(metric, out var value) && double.IsFinite(value)
            ? value
            : throw new UserErrorException(
                $"{runs.Name}: {run.Name} has no finite value of {metric}, so the runs can't be compared by it."
            );

    private static string Kind(RunSummary summary) => summary.IsFolds ? "folds" : "seeds";
}
