using System.Globalization;
using System.Text.RegularExpressions;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Hooks;
using Tessera.Framework.Logging;

namespace Tessera.Framework.Running;

/// <summary>The folder a run writes to, and what an earlier run has left there.</summary>
public static partial class WorkFolder
{
    /// <summary>The config of its run, resolved.</summary>
    public const string ConfigName = "config.json";

    /// <summary>The folder in it that predictions are stored in.</summary>
    public const string Predictions = "predictions";

    private const string Resume = "Resume = true             ",
        Overwrite = "Overwrite = true          ";

    /// <summary>Refuses to begin anew where a run has begun before: its checkpoints would be written over, and its log mixed with the new
    /// one.</summary>
    /// <exception cref="UserErrorException">There is such a run.</exception>
    public static void RequireFree(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        var checkpoints = Entries(folder).Count(IsCheckpoint);
        var logged = Directory.EnumerateDirectories(folder).Any(HasRows);
        if (checkpoints == 0 && !logged)
            return; // a run that ended before its first step has left nothing that could be lost
        var free = Free(folder);
        var elsewhere = $"WorkDir = \"{free}\"";
        var newest = CheckpointHook.Newest(folder) is { } path ? $", the newest {Path.GetFileName(path)}" : "";
        var what =
            checkpoints == 0
                ? "its log, no checkpoint"
                : string.Create(CultureInfo.InvariantCulture, $"{checkpoints} {(checkpoints == 1 ? "checkpoint" : "checkpoints")}{newest}");
        throw new UserErrorException(
            $"{folder}\n  A run was begun here before ({what}). Its files are not written over:"
                + $"\n    {Resume} goes on with "
                + $"it{(checkpoints == 0 ? " (from the start, since it has no checkpoint)" : "")}"
                + $"\n    {Overwrite} removes its files and begins anew"
                + $"\n    {elsewhere}   begins anew in a folder that is free",
            new Advice(Resume, "resume"),
            new Advice(Overwrite, "overwrite"),
            new Advice(elsewhere, "work_dir", free)
        );
    }

    /// <summary>The checkpoint by which a run is to be judged: its best, or its newest where no best one is kept.</summary>
    /// <returns>null for a folder without checkpoints of a run.</returns>
    /// <exception cref="UserErrorException">Several are best, each by another value.</exception>
    public static string? CheckpointOf(string folder) =>
        Directory.EnumerateFiles(folder, $"{CheckpointStore.BestPrefix}*.safetensors").Order(StringComparer.Ordinal).ToArray() switch
        {
            [var best] => best,
            [] => CheckpointHook.Newest(folder),
            var several => throw new UserErrorException(
                $"{folder}\n  The run kept several best checkpoints: {string.Join(", ", several.Select(Path.GetFileName))}. Name one."
            ),
        };

    /// <summary>What runs have written there: checkpoints and the file that names the newest, logs, event files, batches that broke,
    /// predictions. Nothing else.</summary>
    public static IReadOnlyList<string> Entries(string folder)
    {
        if (!Directory.Exists(folder))
            return [];
        var files = Directory
            .EnumerateFiles(folder)
            .Where(path =>
                Path.GetFileName(path) is CheckpointStore.PointerName || IsCheckpoint(path) || BrokenBatch().IsMatch(Path.GetFileName(path))
            );
        var events = Path.Combine(folder, "tensorboard");
        if (Directory.Exists(events))
            files = files.Concat(Directory.EnumerateFiles(events, "events.out.tfevents.*"));
        var predictions = Path.Combine(folder, Predictions);
        if (Directory.Exists(predictions))
            files = files.Concat(
                Directory.EnumerateFileSystemEntries(predictions).Where(path => StoredPart().IsMatch(Path.GetFileName(path)))
            );
        return
        [
            .. files,
            .. Directory
                .EnumerateDirectories(folder)
                .Where(path => LogFolder().IsMatch(Path.GetFileName(path)) && File.Exists(Path.Combine(path, ScalarLog.FileName))),
        ];
    }

    /// <summary>Removes what <see cref="Entries"/> found before; the pointer to the newest checkpoint first, so that it never names one
    /// that is gone.</summary>
    /// <returns>In words, for the log.</returns>
    public static string Remove(IReadOnlyList<string> entries)
    {
        var (checkpoints, logs) = (entries.Count(IsCheckpoint), entries.Count(path => LogFolder().IsMatch(Path.GetFileName(path))));
        foreach (var path in entries.OrderBy(path => Path.GetFileName(path) == CheckpointStore.PointerName ? 0 : 1))
        {
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
            else
                File.Delete(path);
        }
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{checkpoints} {(checkpoints == 1 ? "checkpoint" : "checkpoints")} and {logs} {(logs == 1 ? "log" : "logs")}"
        );
    }

    private static string Free(string folder)
    {
        for (var number = 2; ; number++)
        {
            var free = string.Create(CultureInfo.InvariantCulture, $"{folder.TrimEnd('/')}_{number}");
            if (!Directory.Exists(free) && !File.Exists(free))
                return free;
        }
    }

    /// <summary>Whether a run wrote the file: its name is that of its own place in the run, or of a metric that it followed. A file that
    /// can't be opened, which no run leaves, is somebody else's.</summary>
    private static bool IsCheckpoint(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        return CheckpointName().IsMatch(Path.GetFileName(path))
            && CheckpointHeader.InfoOf(path) is { } info
            && (
                name == string.Create(CultureInfo.InvariantCulture, $"epoch_{info.Epoch}")
                || name == string.Create(CultureInfo.InvariantCulture, $"iter_{info.Iteration}")
                || info.Metrics.Keys.Any(metric => name == CheckpointStore.BestName(metric))
            );
    }

    private static bool HasRows(string folder) => new FileInfo(Path.Combine(folder, ScalarLog.FileName)) is { Exists: true, Length: > 0 };

    [GeneratedRegex(@"^((epoch|iter)_\d+|best_[^/]*)\.safetensors$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CheckpointName();

    [GeneratedRegex(@"^nonfinite_iter_\d+\.safetensors$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex BrokenBatch();

    [GeneratedRegex(@"^(val|test)\.(jsonl|boxes\.json|maps)(\.tmp)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex StoredPart();

    [GeneratedRegex(@"^\d{8}_\d{6}(_\d+)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LogFolder();
}
