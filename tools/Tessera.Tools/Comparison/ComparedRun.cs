using Tessera.Framework.Errors;
using Tessera.Framework.Running;
using Tessera.Predictions;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Comparison;

/// <summary>One of the runs that are compared: stored predictions, or the summary of several runs.</summary>
/// <param name="Name">As it was given.</param>
internal abstract record ComparedRun(string Name)
{
    /// <param name="path">A work dir, its folder predictions, a file in it, a folder with a summary, or the summary.</param>
    /// <param name="part">Only of this part of the data.</param>
    /// <exception cref="UserErrorException">It is none of these; the message says what would make it one.</exception>
    public static ComparedRun Open(string path, string? part)
    {
        if (!Directory.Exists(path) && !File.Exists(path))
            throw new UserErrorException($"{path}: there is no such file or folder.");
        if (RunSummary.Find(path) is { } summary)
            return new SummarizedRuns(path, RunSummary.Read(summary));
        if (PredictionFolder.Find(path, part) is { } file)
            return new PredictedRun(path, PredictionFile.Open(file), StoredPredictions.ConfigOf(file));
        throw NoPredictions(path, part);
    }

    /// <summary>The command that stores the predictions of a work dir's checkpoint.</summary>
    public static string Command(string path)
    {
        var folder = Directory.Exists(path) ? path.TrimEnd('/', '\\') : StoredPredictions.WorkDirOf(path);
        if (Path.GetFileName(folder) == WorkFolder.Predictions && Path.GetDirectoryName(folder) is { Length: > 0 } parent)
            folder = parent;
        var config = Path.Combine(folder, WorkFolder.ConfigName);
        var checkpoint = Directory.Exists(folder)
            ? WorkFolder
                .Entries(folder)
                .Where(entry => entry.EndsWith(".safetensors", StringComparison.Ordinal))
                .Order()
                .FirstOrDefault(IsWhole)
            : null;
        return $"tools/test {(File.Exists(config) ? config : "CONFIG")} {checkpoint ?? "CHECKPOINT"} --work-dir {folder}";
    }

    // best_… comes before epoch_… and iter_…
    private static bool IsWhole(string checkpoint) => !Path.GetFileName(checkpoint).StartsWith("nonfinite", StringComparison.Ordinal);

    private static UserErrorException NoPredictions(string path, string? part) =>
        Directory.Exists(path)
            ? new UserErrorException(
                $"{path}: there are no stored predictions{(part is null ? "" : $" of {part}")} in it, and no "
                    + $"{RunSummary.FileName} of several "
                    + $"runs. This command stores them:\n  {Command(path)}"
            )
            : new UserErrorException(
                $"{path}: this is no file of predictions as tools/train and tools/test store them in a work dir; other files of "
                    + $"predictions "
                    + $"don't tell the truth that they were measured against. This command stores them:\n  {Command(path)}"
            );
}

/// <summary>One run, by what it predicts for each image.</summary>
/// <param name="Config">Of its work dir; null where there is none.</param>
internal sealed record PredictedRun(string Name, PredictionFile File, string? Config) : ComparedRun(Name);

/// <summary>Several runs, by the values of each.</summary>
internal sealed record SummarizedRuns(string Name, RunSummary Summary) : ComparedRun(Name);
