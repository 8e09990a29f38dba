using System.Diagnostics;
using System.Reflection;

namespace Tessera.Tools.Experiments;

/// <summary>Starts this program again, as a process of its own.</summary>
internal static class ToolProcessStart
{
    /// <summary>How a tool is started; its output is read by the caller, who holds its input.</summary>
    public static ProcessStartInfo Of(IEnumerable<string> arguments)
    {
        var own = typeof(ToolProcessStart).Assembly;
        var host = Environment.ProcessPath ?? "dotnet";
        var isDotnet = Path.GetFileNameWithoutExtension(host) == "dotnet";
        var isOwnHost = !isDotnet && Assembly.GetEntryAssembly() == own; // the installed command
        var start = new ProcessStartInfo(isDotnet || isOwnHost ? host : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (!isOwnHost)
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, own.GetName().Name + ".dll"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        return start;
    }
}
