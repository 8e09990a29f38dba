using System.Reflection;
using System.Runtime.InteropServices;
using Tessera.Tools;

namespace Tessera.Tools.Output;

/// <summary>An error that is nobody's mistake but Tessera's: an apology, and everything that helps to find it in a file.</summary>
internal static class Defect
{
    /// <summary>What the console says; the trace is written to a file of the temporary folder.</summary>
    public static string Report(Exception error, IReadOnlyList<string> arguments) =>
        $"{error.GetType().Name}: {FirstLines(error.Message)}\n  This is a defect of Tessera, not a mistake of yours; sorry. "
        + $"{Trace(error, arguments)}";

    private static string Trace(Exception error, IReadOnlyList<string> arguments)
    {
        var path = Path.Combine(Path.GetTempPath(), $"tessera-defect-{DateTime.Now:yyyyMMdd_HHmmss}-{Environment.ProcessId}.txt");
        try
        {
            File.WriteAllText(
                path,
                string.Join(
                    '\n',
                    $"{CommandName.Prefix}{string.Join(' ', arguments)}",
                    $"Tessera {typeof(Defect).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}, "
                        + $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}",
                    Directory.GetCurrentDirectory(),
                    "",
                    error.ToString(),
                    ""
                )
            );
            return $"The full trace is in {path}; please report it.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The full trace could not be written: {e.Message}";
        }
    }

    /// <summary>The tensor library puts a trace of its own behind its messages.</summary>
    private static string FirstLines(string message)
    {
        var end = message.IndexOf("\nException raised from", StringComparison.Ordinal);
        return string.Join('\n', (end < 0 ? message : message[..end]).Split('\n').Take(4)).TrimEnd();
    }
}
