using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Logging;

/// <summary>What a run ran on, for its log: whoever repeats it needs to know.</summary>
public static class EnvironmentReport
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    /// <summary>By name, in the order shown.</summary>
    public static IReadOnlyList<(string Name, string Value)> Collect(
        Device device,
        PrecisionChoice precision,
        IProcessGroup group,
        long seed,
        bool channelsLast
    )
    {
        var lines = new List<(string, string)>
        {
            (
                "Tessera",
                typeof(EnvironmentReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
                    ?? "unknown"
            ),
            (".NET", RuntimeInformation.FrameworkDescription),
            ("system", RuntimeInformation.OSDescription),
        };
        lines.AddRange(TensorLibrary.Describe());
        lines.Add(("memory", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20} MB"));
        lines.Add(("device", device.ToString()));
        lines.Add(("precision", precision.Reason));
        lines.Add(("channels last", channelsLast ? "yes" : "no"));
        lines.Add(("seed", seed.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        if (group.WorldSize > 1)
            lines.Add(("processes", $"{group.WorldSize}, this is rank {group.Rank}{(group is MpiGroup mpi ? $"; by {mpi.Library}" : "")}"));
        if (Commit(Directory.GetCurrentDirectory()) is { } commit)
            lines.Add(("commit", commit));
        return lines;
    }

    public static void Write(IReadOnlyList<(string Name, string Value)> lines)
    {
        var width = lines.Max(line => line.Name.Length);
        s_log.LogInformation("Environment\n{0}", string.Join('\n', lines.Select(line => $"  {line.Name.PadRight(width)}  {line.Value}")));
    }

    /// <summary>The commit of the checkout around a folder, read from its files; null where there is none.</summary>
    public static string? Commit(string folder)
    {
        try
        {
            for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
            {
                var git = Path.Combine(at.FullName, ".git");
                if (!File.Exists(Path.Combine(git, "HEAD")))
                    continue;
                var head = File.ReadAllText(Path.Combine(git, "HEAD")).Trim();
                if (!head.StartsWith("ref: ", StringComparison.Ordinal))
                    return head;
                var reference = head[5..];
                var loose = Path.Combine(git, reference);
                if (File.Exists(loose))
                    return File.ReadAllText(loose).Trim();
                var packed = Path.Combine(git, "packed-refs");
                return File.Exists(packed)
                    ? File.ReadLines(packed).FirstOrDefault(line => line.EndsWith(" " + reference, StringComparison.Ordinal))?.Split(' ')[0]
                    : null;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        return null;
    }
}
