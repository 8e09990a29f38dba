using System.Diagnostics;

namespace Tessera.Tests.Packages;

/// <summary>What a program said, and how it ended.</summary>
internal sealed record Said(string Command, int Code, string Output, string Error)
{
    public string All => Output + Error;

    public Said Succeeds()
    {
        Assert.True(Code == 0, $"{Command}\nexit code {Code}\n{All}");
        return this;
    }

    public Said Fails(int code, params string[] parts)
    {
        Assert.True(Code == code, $"{Command}\nexit code {Code}\n{All}");
        Assert.All(parts, part => Assert.Contains(part, All, StringComparison.Ordinal));
        return this;
    }
}

/// <summary>Runs programs as a user's shell does: without what a surrounding `dotnet test` has set for itself.</summary>
internal static class Shell
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(15);

    public static Said Dotnet(string folder, params string[] arguments) => Run(folder, "dotnet", arguments);

    public static Said Run(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(IsOfTheTestRun).ToList())
            start.Environment.Remove(name);
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} took longer than {s_limit.TotalMinutes} minutes.");
        }
        return new Said($"{program} {string.Join(' ', arguments)}", process.ExitCode, output.Result, error.Result);
    }

    private static bool IsOfTheTestRun(string name) =>
        name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)
        || name is "DOTNET_HOST_PATH" or "TESSERA_DATA_ROOT" or "ArtifactsPath";
}
