using System.Globalization;

namespace Tessera.Torch;

/// <summary>To which processors this process's launcher is bound, so that it shows whether it has bound its processes apart.</summary>
internal static class Affinity
{
    // What every process of the launcher has, and the launcher itself has not.
    private static readonly string[] s_marks = ["OMPI_COMM_WORLD_RANK=", "PMI_RANK=", "LOCAL_RANK=", "SLURM_PROCID="];

    /// <summary>The cores of the first process above this one that is not of the run itself; null where it can't be told, or has the same
    /// as this one.</summary>
    public static int? LaunchersCores()
    {
        if (!OperatingSystem.IsLinux())
            return null;
        try
        {
            var (own, parent) = Status("self");
            for (var above = 0; above < 16 && parent > 1; above++)
            {
                var process = parent.ToString(CultureInfo.InvariantCulture);
                var (processors, next) = Status(process);
                if (!IsOfTheRun(process))
                    return own > 0 && processors > own ? Processor.Cores * processors / own : null;
                parent = next;
            }
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return null; // it ends just now
        }
    }

    /// <summary>How many processors a list names: "0-3,8" names 5.</summary>
    internal static int CountOf(string list) =>
        list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Sum(range =>
            {
                var ends = range.Split('-');
                return int.Parse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture)
                    - int.Parse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture)
                    + 1;
            });

    private static bool IsOfTheRun(string process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/environ")
                .Split('\0')
                .Any(variable => s_marks.Any(mark => variable.StartsWith(mark, StringComparison.Ordinal)));
        }
        catch (UnauthorizedAccessException)
        {
            return false; // another user's: Slurm's daemon
        }
    }

    private static (int Processors, int Parent) Status(string process)
    {
        var fields = File.ReadLines($"/proc/{process}/status")
            .Select(line => line.Split(':', 2))
            .Where(parts => parts.Length == 2)
            .ToDictionary(parts => parts[0], parts => parts[1].Trim());
        return (CountOf(fields["Cpus_allowed_list"]), int.Parse(fields["PPid"], NumberStyles.None, CultureInfo.InvariantCulture));
    }
}
