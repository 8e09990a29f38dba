using System.Diagnostics;
using Tessera.Framework.Logging;

namespace Tessera.Tests.Framework.Logging;

public sealed class GitCommitTests
{
    [Fact]
    public void Of_AFolderInACheckout_IsItsCommit_AndWhetherItWasChanged()
    {
        using var folder = new TemporaryFolder();
        Git(folder.Path, "init", "--quiet");
        File.WriteAllText(folder.At("config.json"), "{}");
        Git(folder.Path, "add", ".");
        Git(folder.Path, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "first");
        Git(folder.Path, "tag", "v1"); // whose name is not the commit
        var hash = Git(folder.Path, "rev-parse", "HEAD");
        Assert.Equal(40, hash.Length);

        var inside = Directory.CreateDirectory(folder.At("a/b")).FullName;
        Assert.Equal(hash, GitCommit.Of(inside));
        Git(folder.Path, "worktree", "add", "--quiet", "--detach", folder.At("other"));
        Assert.Equal(hash, GitCommit.Of(folder.At("other"))); // its .git is a file
        File.WriteAllText(folder.At("config.json"), "{ }");
        Assert.Equal(hash + "-dirty", GitCommit.Of(inside));
    }

    [Fact]
    public void Of_AFolderOutsideOfACheckout_IsNull()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(GitCommit.Of(folder.Path));
        Assert.Null(GitCommit.Of(folder.At("missing")));
    }

    private static string Git(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("git") { RedirectStandardOutput = true, WorkingDirectory = folder };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var git = Process.Start(start)!;
        var said = git.StandardOutput.ReadToEnd().Trim();
        git.WaitForExit();
        Assert.True(git.ExitCode == 0, $"git {string.Join(' ', arguments)}");
        return said;
    }
}
