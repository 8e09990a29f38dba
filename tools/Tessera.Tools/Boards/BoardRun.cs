using System.Text.RegularExpressions;
using Tessera.Framework.Errors;
using Tessera.Framework.Logging;
using Tessera.Framework.Running;
using Tessera.Tools.Logs;
using Tessera.Tools.Reporting;

namespace Tessera.Tools.Boards;

/// <summary>A run as its work dir stands now. What it logged is read again only where its files have changed.</summary>
/// <param name="folder">The work dir, its full path.</param>
internal sealed partial class BoardRun(string folder)
{
    private static readonly TimeSpan s_silence = TimeSpan.FromMinutes(2);

    private string _stamp = "";

    public string Folder => folder;

    /// <summary>null: nothing is logged yet, or it can't be read.</summary>
    public RunScalars? Scalars { get; private set; }

    /// <summary>Why it can't be read.</summary>
    public string? Problem { get; private set; }

    public RunResult? Result { get; private set; }

    /// <summary>When something was logged last.</summary>
    public DateTime Logged { get; private set; }

    public bool IsRunning => Result is null && DateTime.UtcNow - Logged < s_silence;

    /// <summary>Whether a folder is a work dir: something is logged below it, or about to be.</summary>
    public static bool Is(string folder) =>
        File.Exists(Path.Combine(folder, WorkFolder.ConfigName)) && File.Exists(Path.Combine(folder, RunFacts.FileName))
        || Logs(folder).Any(log => log.Exists);

    /// <summary>Looks at the files.</summary>
    /// <returns>What changes with them.</returns>
    public string Look()
    {
        var result = new FileInfo(Path.Combine(folder, RunResult.FileName));
        var logs = Logs(folder).Where(log => log.Exists).ToArray();
        var maps = MapSection.Files(folder).LastOrDefault();
        var stamp = string.Join(
            ';',
            logs.Append(result)
                .Select(file => file.Exists ? FormattableString.Invariant($"{file.Length},{file.LastWriteTimeUtc.Ticks}") : "-")
        );
        if (stamp != _stamp)
            Read(logs);
        _stamp = stamp;
        return $"{folder}:{stamp}:{maps}:{IsRunning}";
    }

    /// <summary>The newest sheet of activation maps, by its name alone; null where there is none.</summary>
    public string? NewestMaps() => MapSection.Files(folder).Select(Path.GetFileName).LastOrDefault(file => MapName().IsMatch(file!));

    /// <summary>A sheet of activation maps.</summary>
    /// <returns>null: it is no such file, or does not lie within the work dir once links are followed.</returns>
    public string? FindMaps(string name)
    {
        if (!MapName().IsMatch(name))
            return null;
        var path = Path.Combine(folder, "maps", name);
        return File.Exists(path) && IsWithin(Real(path), Real(folder)) ? path : null;
    }

    private static bool IsWithin(string path, string root) =>
        path.StartsWith(Path.TrimEndingDirectorySeparator(root) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>The path with every link on the way followed.</summary>
    private static string Real(string path)
    {
        var full = Path.GetFullPath(path);
        var found = Path.GetPathRoot(full)!;
        foreach (var name in full[found.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            var next = Path.Combine(found, name);
            FileSystemInfo entry = Directory.Exists(next) ? new DirectoryInfo(next) : new FileInfo(next);
            found = entry.ResolveLinkTarget(returnFinalTarget: true) is { } target ? Real(target.FullName) : next;
        }
        return found;
    }

    private static IEnumerable<FileInfo> Logs(string folder) =>
        Directory.EnumerateDirectories(folder).Select(inside => new FileInfo(Path.Combine(inside, ScalarLog.FileName)));

    private void Read(FileInfo[] logs)
    {
        Logged = logs.Length > 0 ? logs.Max(log => log.LastWriteTimeUtc) : DateTime.MinValue;
        (Problem, Scalars, Result) = (null, null, null);
        try
        {
            Result = RunResult.Read(folder);
            if (logs.Any(log => log.Length > 0))
                Scalars = RunScalars.Load(folder);
        }
        catch (Exception error) when (error is UserErrorException or IOException or UnauthorizedAccessException)
        {
            Problem = error.Message;
        }
    }

    [GeneratedRegex(@"^epoch_\d{1,9}\.png$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex MapName();
}
