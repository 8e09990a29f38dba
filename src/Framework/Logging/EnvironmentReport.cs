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
        if (GitCommit.Of(Directory.GetCurrentDirectory()) is { } commit)
            lines.Add(("commit", commit));
        return lines;
    }

    /// <summary>Writes it to the log.</summary>
    public static void Write(IReadOnlyList<(string Name, string Value)> lines) =>
        s_log.LogInformation(
            "Environment\n{0}",
            PlainTable.Format([], [.. lines.Select(line => (string[])[line.Name, line.Value])], indent: 2, alignsNumbers: false)
        );
}
