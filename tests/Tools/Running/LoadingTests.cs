using System.Diagnostics;
using System.Runtime.Versioning;
using Tessera.Torch.Loading;

namespace Tessera.Tests.Tools.Running;

/// <summary>A process of its own loads libtorch, as a user's does: with the mended copy of TorchSharp's library where this system's
/// libstdc++ needs one.</summary>
public sealed class LoadingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-loading-").FullName;

    public LoadingTests() =>
        File.WriteAllText(
            Path.Combine(_folder, "c.json"),
            """{ "model": { "type": "ImageClassifier", "backbone": { "type": "CifarResNet", "depth": 20 }, "head": { "type": "LinearHead" } } }"""
        );

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Cache => Path.Combine(_folder, "cache");

    private string[] Copies => Directory.Exists(Path.Combine(Cache, "tessera")) ? Directory.GetFiles(Path.Combine(Cache, "tessera")) : [];

    private (int Code, string Output, string Error) Run(string[] before, params (string Name, string Value)[] environment) =>
        Run(AppContext.BaseDirectory, before, environment);

    private (int Code, string Output, string Error) Run(
        string program,
        string[] before,
        params (string Name, string Value)[] environment
    ) =>
        ToolProcess.Run(
            program,
            _folder,
            before,
            environment.ToDictionary(e => e.Name, e => e.Value),
            "get-flops",
            Path.Combine(_folder, "c.json"),
            "--shape",
            "32",
            "--classes",
            "10"
        );

    [MendingFact]
    public void Copy_MissingOrDamaged_IsMadeAnew()
    {
        Assert.Equal(0, Run([], ("XDG_CACHE_HOME", Cache)).Code);
        var copy = Assert.Single(Copies);
        var good = File.ReadAllBytes(copy);

        File.WriteAllBytes(copy, good[..(good.Length / 2)]);
        Assert.Equal(0, Run([], ("XDG_CACHE_HOME", Cache)).Code);
        Assert.Equal(good, File.ReadAllBytes(Assert.Single(Copies)));

        var other = (byte[])good.Clone();
        other[good.Length / 2] ^= 1;
        File.WriteAllBytes(copy, other);
        Assert.Equal(0, Run([], ("XDG_CACHE_HOME", Cache)).Code);
        Assert.Equal(good, File.ReadAllBytes(Assert.Single(Copies)));
    }

    [MendingFact]
    public void CacheFolder_ThatCannotBeWritten_GivesWayToATemporaryOneThatIsGoneAfterwards()
    {
        File.WriteAllText(Cache, "a file in the folder's place: root ignores permissions");
        var temporary = Directory.CreateDirectory(Path.Combine(_folder, "tmp")).FullName;
        var (code, output, error) = Run([], ("XDG_CACHE_HOME", Cache), ("TMPDIR", temporary));
        Assert.True(code == 0, error);
        Assert.Contains("multiply-adds", output, StringComparison.Ordinal);
        Assert.DoesNotContain("cache", error, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(Directory.GetFiles(temporary, "libLibTorchSharp*", SearchOption.AllDirectories));
    }

    [MendingFact]
    public void NoFolderAtAll_IsOneMessage()
    {
        File.WriteAllText(Cache, "");
        var (code, _, error) = Run([], ("XDG_CACHE_HOME", Cache), ("TMPDIR", Path.Combine(Cache, "below-a-file")));
        Assert.Equal(1, code);
        Assert.StartsWith("This system's libstdc++ is older than GCC 13's", error, StringComparison.Ordinal);
        Assert.Contains(Cache, error, StringComparison.Ordinal);
        Assert.Contains("XDG_CACHE_HOME or TMPDIR", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [MendingFact(asOtherUser: true), SupportedOSPlatform("linux")]
    public void AnotherUser_WithoutAHome_Runs()
    {
        var home = Directory
            .CreateDirectory(Path.Combine(_folder, "home"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)
            .FullName;
        File.SetUnixFileMode(
            _folder,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute
        );
        var (code, output, error) = Run(
            ProgramForOthers(),
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
            ("HOME", home),
            ("XDG_CACHE_HOME", ""),
            ("DOTNET_CLI_HOME", home)
        );
        Assert.True(code == 0, error);
        Assert.Contains("multiply-adds", output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(home));
    }

    /// <summary>The program's folder; where it lies below one of root's own, a copy that others may read.</summary>
    private string ProgramForOthers()
    {
        if (ReadableByOthers(AppContext.BaseDirectory))
            return AppContext.BaseDirectory;
        var copy = Path.Combine(_folder, "program");
        using var process = Process.Start("cp", ["-rL", AppContext.BaseDirectory, copy]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return copy;
    }

    private static bool ReadableByOthers(string folder)
    {
        using var process = Process.Start(
            new ProcessStartInfo(
                "setpriv",
                ["--reuid=65534", "--regid=65534", "--clear-groups", "test", "-r", Path.Combine(folder, "Tessera.Tools.dll")]
            )
        )!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}

/// <summary>A test of the mended copy, which a system with a newer libstdc++ doesn't make: left out there, and said to be.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MendingFactAttribute : FactAttribute
{
    /// <param name="asOtherUser">It runs the tool as another user, which root alone can, from a folder that all may read.</param>
    public MendingFactAttribute(bool asOtherUser = false) =>
        Skip =
            !OperatingSystem.IsLinux() || MendedBinding.SystemIsNewEnough() ? "This system's libstdc++ needs no mended copy."
            : !asOtherUser ? null
            : Environment.UserName != "root" || !File.Exists("/usr/bin/setpriv") ? "Only root can become another user, by setpriv."
            : null;
}
