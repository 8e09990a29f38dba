using System.Text.Json;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;

namespace Tessera.Tools.Comparison;

/// <summary>What the summary of several runs says: their values on each seed or fold.</summary>
/// <param name="Folder">Where it lies, and the runs below it.</param>
/// <param name="IsFolds">Whether the runs are of folds, which share training data; otherwise of seeds alone.</param>
internal sealed record RunSummary(
    string Folder,
    bool IsFolds,
    IReadOnlyDictionary<string, MetricRule> Rules,
    IReadOnlyList<SummarizedRun> Runs
)
{
    public const string FileName = "summary.json";

    private const string OfFolds = "cross-validate",
        OfSeeds = "repeat";

    /// <summary>The tool that writes such a summary.</summary>
    public string Tool => $"tools/{(IsFolds ? OfFolds : OfSeeds)}";

    /// <summary>The summary that a path stands for; null where there is none.</summary>
    public static string? Find(string path) =>
        Directory.Exists(path)
            ? Path.Combine(path, FileName) is var inside && File.Exists(inside)
                ? inside
                : null
            : Path.GetFileName(path) == FileName
                ? path
                : null;

    /// <exception cref="UserErrorException">It is damaged, or no such summary.</exception>
    public static RunSummary Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = document.RootElement;
            var kind = root.GetProperty("kind").GetString();
            if (kind is not (OfFolds or OfSeeds))
                throw new UserErrorException($"{path}: its kind is \"{kind}\"; \"{OfFolds}\" or \"{OfSeeds}\" was expected.");
            var rules = root.GetProperty("metrics")
                .EnumerateObject()
                .ToDictionary(
                    metric => metric.Name,
                    metric => metric.Value.GetProperty("better").GetString() == "less" ? MetricRule.Less : MetricRule.Greater
                );
            var runs = root.GetProperty("runs").EnumerateArray().Select(SummarizedRun.Read).ToArray();
            if (runs.DistinctBy(run => (run.Fold, run.Seed)).Count() < runs.Length)
                throw new UserErrorException($"{path}: two of its runs have one fold and seed.");
            return new RunSummary(Path.GetDirectoryName(Path.GetFullPath(path))!, kind == OfFolds, rules, runs);
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path}:{error.LineNumber + 1}  This is no valid JSON.", error);
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new UserErrorException(
                $"{path}: this is no summary of runs, or a key of it is missing or of another kind: kind, metrics and runs were expected, "
                    + $"of a run fold, seed, train_samples, val_samples and metrics.",
                error
            );
        }
    }
}

/// <summary>One run of a summary.</summary>
/// <param name="Folder">Its work dir, below the summary's folder.</param>
/// <param name="Fold">null: not of a fold.</param>
internal sealed record SummarizedRun(
    string Folder,
    int? Fold,
    long Seed,
    long TrainSamples,
    long ValSamples,
    IReadOnlyDictionary<string, double> Metrics
)
{
    /// <summary>In words.</summary>
    public string Name => FormattableString.Invariant(Fold is { } fold ? (FormattableString)$"fold {fold}, seed {Seed}" : $"seed {Seed}");

    public static SummarizedRun Read(JsonElement run) =>
        new(
            run.GetProperty("folder").GetString() ?? "",
            run.TryGetProperty("fold", out var fold) && fold.ValueKind == JsonValueKind.Number ? fold.GetInt32() : null,
            run.GetProperty("seed").GetInt64(),
            run.GetProperty("train_samples").GetInt64(),
            run.GetProperty("val_samples").GetInt64(),
            run.GetProperty("metrics")
                .EnumerateObject()
                .ToDictionary(
                    metric => metric.Name,
                    metric => metric.Value.ValueKind == JsonValueKind.Number ? metric.Value.GetDouble() : double.NaN
                )
        );
}
