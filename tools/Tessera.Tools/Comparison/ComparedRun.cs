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

    /// <summary>The command that stores the predictions of a work dir's checkpoint: the best, otherwise the newest.</summary>
    /// <param name="ofData">The run whose config tells of the data; by default the same.</param>
    public static string Command(string path, string? ofData = null)
    {
        var folder = WorkDir(path);
        var config = Path.Combine(WorkDir(ofData ?? path), WorkFolder.ConfigName);
        return $"tools/test {(File.Exists(config) ? config : "CONFIG")} {Checkpoint(folder) ?? "CHECKPOINT"} --work-dir {folder}";
    }

    private static string WorkDir(string path)
    {
        var folder = Directory.Exists(path) ? path.TrimEnd('/', '\\') : StoredPredictions.WorkDirOf(path);
        return Path.GetFileName(folder) == WorkFolder.Predictions && Path.GetDirectoryName(folder) is { Length: > 0 } parent
            ? parent
            : folder;
    }

    private static string? Checkpoint(string folder)
    {
        if (!Directory.Exists(folder))
            return null;
        try
        {
            return WorkFolder.CheckpointOf(folder);
        }
        catch (UserErrorException)
        {
            return null; // several best ones: a person must choose
        }
    }

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
