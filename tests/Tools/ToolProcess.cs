using System.Diagnostics;

namespace Tessera.Tests.Tools;

/// <summary>Runs a tool as a process of its own, as a user does.</summary>
internal static class ToolProcess
{
    /// <param name="folder">The current directory.</param>
    public static (int Code, string Output, string Error) Run(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Tessera.Tools.dll"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment.Remove("TESSERA_DATA_ROOT");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
