using System.ComponentModel;
using System.Diagnostics;

namespace Tessera.Framework.Logging;

/// <summary>
/// Which commit a run's own code and configs are of. What a run of a user's own repository needs for it: that it is started inside the
/// repository, and that git is installed. Tessera's own commit stands in its assemblies' version.
/// </summary>
public static class GitCommit
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <summary>Asks git, which knows worktrees, submodules and packed references.</summary>
    /// <param name="folder">Anywhere inside a checkout.</param>
    /// <returns>The hash, with "-dirty" behind it where tracked files differ from it; null outside a checkout, without git, or where git
    /// doesn't answer in time.</returns>
    public static string? Of(string folder)
    {
        var start = new ProcessStartInfo("git")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // Without the file system monitor: a command that a repository's settings name would be run.
        foreach (var argument in (string[])["-C", folder, "-c", "core.fsmonitor=false", "describe", "--always", "--dirty", "--abbrev=40"])
            start.ArgumentList.Add(argument);
        start.ArgumentList.Add("--exclude=*"); // the commit, not the nearest tag
        start.Environment["GIT_OPTIONAL_LOCKS"] = "0";
        try
        {
            using var git = Process.Start(start)!;
            git.StandardInput.Close();
            var said = git.StandardOutput.ReadToEndAsync();
            _ = git.StandardError.ReadToEndAsync();
            if (!git.WaitForExit(s_patience))
            {
                git.Kill(entireProcessTree: true);
                return null;
            }
            var hash = said.Result.Trim();
            return git.ExitCode == 0 && hash.Length > 0 ? hash : null;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or IOException)
        {
            return null;
        }
    }
}
