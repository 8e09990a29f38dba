using System.Diagnostics;
using System.Globalization;

namespace Tessera.Tests;

/// <summary>Several processes under mpirun.</summary>
internal static class Mpirun
{
    /// <summary>Why there is no test of several processes here; null where there is. In CI it is never left out: there mpirun must be
    /// installed.</summary>
    public static string? Missing { get; } =
        Environment.GetEnvironmentVariable("CI") is { Length: > 0 } and not "false"
        || (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, "mpirun")))
            ? null
            : "mpirun is not installed (Debian and Ubuntu: openmpi-bin).";

    /// <summary>How to start a .NET program as several processes of one thread each, as root as well, and on fewer cores than
    /// processes.</summary>
    public static ProcessStartInfo Start(int processes, params string[] program)
    {
        var start = new ProcessStartInfo("mpirun") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (
            var argument in (string[])
                ["-np", processes.ToString(CultureInfo.InvariantCulture), "--oversubscribe", "--bind-to", "none", "dotnet", .. program]
        )
            start.ArgumentList.Add(argument);
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        start.Environment["OMPI_MCA_mpi_yield_when_idle"] = "1"; // other tests run beside it
        start.Environment["OMP_NUM_THREADS"] = "1";
        return start;
    }
}

/// <summary>A test of several processes: left out where mpirun is not installed, but not in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MpiFactAttribute : FactAttribute
{
    public MpiFactAttribute() => Skip = Mpirun.Missing;
}

/// <summary>As <see cref="MpiFactAttribute"/>, with cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MpiTheoryAttribute : TheoryAttribute
{
    public MpiTheoryAttribute() => Skip = Mpirun.Missing;
}
