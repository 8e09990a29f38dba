using System.Globalization;

namespace Tessera.Torch;

/// <summary>What started this process.</summary>
public enum LaunchKind
{
    /// <summary>Nothing that tells of other processes.</summary>
    Alone,

    /// <summary>Open MPI's mpirun.</summary>
    OpenMpi,

    /// <summary>The mpiexec of MPICH or of one of its descendants, or srun by its PMI.</summary>
    Mpich,

    /// <summary>srun.</summary>
    Slurm,
}

/// <summary>This process among those that a launcher of MPI programs has started, as the environment tells it.</summary>
/// <param name="Size">Processes in all.</param>
/// <param name="LocalRank">This process's place on this machine, from 0.</param>
/// <param name="LocalSize">Processes on this machine; 1 where it isn't told.</param>
/// <remarks>
/// Variables: Open MPI's FAQ "Running MPI jobs", OMPI_COMM_WORLD_*; MPICH's process manager Hydra, PMI_* and MPI_LOCAL*; Slurm's manual
/// page srun(1),
/// "output environment variables". The local numbers are also read where torchrun started the process (LOCAL_RANK, LOCAL_WORLD_SIZE).
/// </remarks>
public sealed record Launch(LaunchKind Kind, int Size, int LocalRank, int LocalSize)
{
    /// <summary>The launcher, for messages.</summary>
    public string Command =>
        Kind switch
        {
            LaunchKind.OpenMpi => "mpirun",
            LaunchKind.Mpich => "mpiexec",
            LaunchKind.Slurm => "srun",
            _ => "nothing",
        };

    /// <param name="environment">Reads a variable; by default this process's.</param>
    public static Launch Find(Func<string, string?>? environment = null)
    {
        var read = environment ?? Environment.GetEnvironmentVariable;
        var (kind, size) =
            Number("OMPI_COMM_WORLD_SIZE") is > 1 and var open ? (LaunchKind.OpenMpi, open)
            : Number("PMI_SIZE") is > 1 and var pmi && Number("PMI_RANK") >= 0 ? (LaunchKind.Mpich, pmi)
            : SlurmTasks() is > 1 and var tasks && Number("SLURM_PROCID") >= 0 ? (LaunchKind.Slurm, tasks)
            : (LaunchKind.Alone, 1);
        var localRank = First("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", SlurmTasks() > 1 ? "SLURM_LOCALID" : "");
        var localSize = First("LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS");
        return new Launch(kind, size, Math.Max(0, localRank), Math.Max(1, localSize >= 0 ? localSize : SlurmTasksHere()));

        int Number(string name) => int.TryParse(read(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : -1;

        int First(params string[] names) => names.Where(name => name.Length > 0).Select(Number).FirstOrDefault(value => value >= 0, -1);

        // A batch script has SLURM_NTASKS, too, but is one process: only a step has tasks.
        int SlurmTasks() =>
            Number("SLURM_STEP_NUM_TASKS") is > 0 and var inStep ? inStep
            : Number("SLURM_STEP_ID") >= 0 ? Number("SLURM_NTASKS")
            : -1;

        int SlurmTasksHere() => SlurmTasks() > 1 ? OfNode(read("SLURM_STEP_TASKS_PER_NODE"), Math.Max(0, Number("SLURM_NODEID"))) : 1;
    }

    /// <summary>Slurm's short form of a list: "2(x3),1" is 2, 2, 2, 1.</summary>
    internal static int OfNode(string? list, int node)
    {
        foreach (var entry in (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var open = entry.IndexOf("(x", StringComparison.Ordinal);
            if (!int.TryParse(open < 0 ? entry : entry[..open], NumberStyles.None, CultureInfo.InvariantCulture, out var tasks))
                return 1;
            var times =
                open < 0 ? 1
                : int.TryParse(entry[(open + 2)..].TrimEnd(')'), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n
                : 1;
            if (node < times)
                return Math.Max(1, tasks);
            node -= times;
        }
        return 1;
    }
}
