using System.Text.Json;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Running;

namespace Tessera.Tools.Experiments;

/// <summary>The folder of an experiment: a folder for each run, with the config that it is trained with, so that a killed experiment goes
/// on where it was.</summary>
internal sealed class ExperimentFolder : IDisposable
{
    /// <summary>The config that a run is trained with, in the run's folder.</summary>
    public const string ConfigName = "planned.json";

    /// <summary>What a run's process said.</summary>
    public const string ConsoleName = "console.log";

    private const string PlanName = "plan.json";

    private static readonly string[] s_own =
    [
        ConfigName,
        ConsoleName,
        FolderLock.FileName,
        WorkFolder.ConfigName,
        RunFacts.FileName,
        RunResult.FileName,
        "train_samples.txt",
        "val_samples.txt",
    ];

    private static readonly string[] s_results =
    [
        ExperimentSummary.FileName,
        "runs.csv",
        SweepCosts.FileName,
        SummaryPicture.FileName,
        SweepPicture.FileName,
    ];

    private static readonly JsonSerializerOptions s_format = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    private readonly FolderLock _lock;

    private ExperimentFolder(string path, FolderLock held, ExperimentPlan plan) => (Path, _lock, Plan) = (path, held, plan);

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>As the folder has it.</summary>
    public ExperimentPlan Plan { get; }

    /// <summary>Opens a folder for an experiment that begins, or goes on.</summary>
    /// <param name="overwrite">Removes the experiment that is there.</param>
    /// <exception cref="UserErrorException">The folder is in use, or holds something else.</exception>
    public static ExperimentFolder Open(string path, ExperimentPlan plan, bool overwrite)
    {
        path = System.IO.Path.GetFullPath(path);
        RequireNoRun(path);
        Directory.CreateDirectory(path);
        var held = FolderLock.Take(path, TimeSpan.Zero);
        try
        {
            if (overwrite)
                Clear(path);
            var file = System.IO.Path.Combine(path, PlanName);
            if (ReadPlan(file) is { } before)
            {
                Require(path, before, plan);
                return new ExperimentFolder(path, held, before);
            }
            AtomicFile.WriteText(file, JsonSerializer.Serialize(plan, s_format) + "\n");
            return new ExperimentFolder(path, held, plan);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Refuses a folder that holds a run of tools/train.</summary>
    /// <exception cref="UserErrorException">There is one.</exception>
    public static void RequireNoRun(string path)
    {
        try
        {
            WorkFolder.RequireFree(path);
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException(
                $"{SourceLocation.Display(path)}\n  The folder holds a run of tools/train. Give another one by --work-dir.",
                error.InnerException
            );
        }
    }

    /// <summary>The folder of a run.</summary>
    public string Of(ExperimentRun run) => System.IO.Path.Combine(Path, run.Name);

    /// <summary>What a run came to; null where it has not come to its end.</summary>
    public TrainedRun? Trained(ExperimentRun run) =>
        RunResult.Read(Of(run)) is { Complete: true } result && RunFacts.Read(Of(run)) is { } facts
            ? new TrainedRun(run, Of(run), facts, result)
            : null;

    /// <summary>Writes the configs of the runs that have none yet, and sees that those of the others are the same still.</summary>
    /// <exception cref="UserErrorException">A config has changed since; the message names the place.</exception>
    public void Prepare(IReadOnlyList<ExperimentRun> runs)
    {
        foreach (var run in runs)
        {
            var path = System.IO.Path.Combine(Of(run), ConfigName);
            if (File.Exists(path))
                RequireSame(run, ConfigDocument.ReadSaved(File.ReadAllText(path), path), Saved(run));
        }
        foreach (var run in runs)
        {
            Directory.CreateDirectory(Of(run));
            var path = System.IO.Path.Combine(Of(run), ConfigName);
            if (!File.Exists(path))
                AtomicFile.WriteText(path, Saved(run).SaveText());
        }
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>References as written, so that values of the environment aren't stored.</summary>
    private ConfigDocument Saved(ExperimentRun run) => SavedConfig.ForRun(run.Config, Of(run));

    private void RequireSame(ExperimentRun run, ConfigDocument before, ConfigDocument now)
    {
        if (ConfigChanges.Find(before, now).ToArray() is not [var (path, was, present), .. var others])
            return;
        var place = PlaceOf(run.Config, path) is { } source ? $"{source}  {path}" : path;
        throw new UserErrorException(
            $"{place}\n  It is {Short(present) ?? "not set"} now; "
                + $"{SourceLocation.Display(Of(run))} was begun with {Short(was) ?? "nothing set"}."
                + (others.Length > 0 ? $" {others.Length} more {(others.Length == 1 ? "value differs" : "values differ")}." : "")
                + "\n  Runs of different configs are not put together. Set it back to go on, give another folder by --work-dir, or let "
                + "--overwrite remove the experiment that is there."
        );
    }

    private static string? Short(string? value) => value is { Length: > 80 } ? value[..77] + "..." : value;

    /// <summary>Where a value was written; where it is gone, the place of what held it.</summary>
    private static SourceLocation? PlaceOf(ConfigDocument config, string path)
    {
        var keys = ConfigPath.Split(path) ?? [];
        for (var length = keys.Count; length > 0; length--)
            if (config.Find(ConfigPath.Join(keys.Take(length))) is { Source.Line: > 0 } node)
                return node.Source;
        return null;
    }

    private static ExperimentPlan? ReadPlan(string file)
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<ExperimentPlan>(File.ReadAllText(file), s_format) : null;
        }
        catch (JsonException error)
        {
            throw new UserErrorException(
                $"{file}:{(error.LineNumber ?? 0) + 1}\n  This is no plan of an experiment: it is damaged.",
                error
            );
        }
    }

    private static void Require(string path, ExperimentPlan before, ExperimentPlan now)
    {
        var what =
            before.Kind != now.Kind ? $"an experiment of tools/{before.Kind}, not of tools/{now.Kind}"
            : before.Folds != now.Folds ? $"one with --folds {before.Folds}, not {now.Folds}"
            : before.FoldSeed != now.FoldSeed
                ? $"one with {(before.FoldSeed is { } seed ? $"--fold-seed {seed}" : "no --fold-seed")}, not with "
                    + $"{(now.FoldSeed is { } other ? $"--fold-seed {other}" : "none")}"
            : !before.Groups.SequenceEqual(now.Groups) ? $"one with {Grouped(before)}, not with {Grouped(now)}"
            : null;
        if (what is not null)
            throw new UserErrorException(
                $"{SourceLocation.Display(path)}\n  The folder holds {what}. Give another folder by --work-dir, or let --overwrite remove "
                    + "what is there."
            );
    }

    private static string Grouped(ExperimentPlan plan) =>
        plan.Groups.Count == 0 ? "no --group" : $"--group {string.Join(' ', plan.Groups)}";

    /// <summary>Removes what an experiment has written, and nothing else.</summary>
    private static void Clear(string path)
    {
        if (!File.Exists(System.IO.Path.Combine(path, PlanName)))
            return;
        var folders = Directory
            .EnumerateFiles(path, ConfigName, SearchOption.AllDirectories)
            .Select(file => System.IO.Path.GetDirectoryName(file)!)
            .ToArray();
        foreach (var folder in folders)
        {
            WorkFolder.Remove(WorkFolder.Entries(folder));
            foreach (var name in s_own)
                File.Delete(System.IO.Path.Combine(folder, name));
            RemoveEmpty(System.IO.Path.Combine(folder, "tensorboard"));
            RemoveEmpty(System.IO.Path.Combine(folder, WorkFolder.Predictions));
            RemoveEmpty(folder);
        }
        foreach (var cell in folders.Select(folder => System.IO.Path.GetDirectoryName(folder)!).Distinct().Where(cell => cell != path))
        {
            foreach (var name in s_results)
                File.Delete(System.IO.Path.Combine(cell, name));
            RemoveEmpty(cell);
        }
        foreach (var name in s_results.Append(PlanName))
            File.Delete(System.IO.Path.Combine(path, name));
    }

    private static void RemoveEmpty(string folder)
    {
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }
}
