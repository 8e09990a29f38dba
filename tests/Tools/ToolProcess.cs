using System.Diagnostics;

namespace Tessera.Tests.Tools;

/// <summary>Runs a tool as a process of its own, as a user does.</summary>
internal static class ToolProcess
{
    /// <param name="folder">The current directory.</param>
    public static (int Code, string Output, string Error) Run(string folder, params string[] arguments) =>
        Run(AppContext.BaseDirectory, folder, [], new Dictionary<string, string>(), arguments);

    /// <param name="program">The folder of the tools' program.</param>
    /// <param name="folder">The current directory.</param>
    /// <param name="before">A command that starts the tool, such as setpriv with its options.</param>
    /// <param name="environment">Variables beside the present ones.</param>
    public static (int Code, string Output, string Error) Run(
        string program,
        string folder,
        string[] before,
        IReadOnlyDictionary<string, string> environment,
        params string[] arguments
    )
    {
        string[] command = [.. before, "dotnet"];
        var start = new ProcessStartInfo(command[0])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var word in command.Skip(1))
            start.ArgumentList.Add(word);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        start.ArgumentList.Add(Path.Combine(program, "Tessera.Tools.dll"));
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
