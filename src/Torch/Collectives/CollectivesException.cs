namespace Tessera.Torch;

/// <summary>Processes can't work together. The message says why and what helps.</summary>
public sealed class CollectivesException(string message, Exception? inner = null) : Exception(message, inner)
{
    internal static CollectivesException NoMpi(Launch launch, IReadOnlyList<string> libraries, string reason) =>
        launch.Kind switch
        {
            LaunchKind.Mpich => new(
                $"{Started(launch)}, and MPICH's library can't be loaded ({Any(libraries)}: {reason}). "
                    + "Install the MPI that this mpiexec belongs to on every machine (Debian and Ubuntu: mpich), or name its folder in "
                    + "LD_LIBRARY_PATH."
            ),
            _ => new(
                $"{Started(launch)}, and Open MPI's library can't be loaded ({Any(libraries)}: {reason}). "
                    + "Install it on every machine (Debian and Ubuntu: openmpi-bin; Fedora: openmpi), or name its folder in "
                    + "LD_LIBRARY_PATH."
            ),
        };

    internal static CollectivesException NotTogether(Launch launch, int found) =>
        new(
            $"{Started(launch)}, but MPI ({(found == 1 ? "each process" : $"{found} processes")}) knows another number: launcher and "
                + $"library are not of one MPI. "
                + (
                    launch.Kind == LaunchKind.Slurm
                        ? "Start with srun --mpi=pmix (Open MPI) or srun --mpi=pmi2 (MPICH)."
                        : $"Use the {launch.Command} of the MPI library that is installed here."
                )
        );

    internal static CollectivesException JoinedBefore() =>
        new("MPI can be joined only once in a process, and this one has done so already: start new processes for another run.");

    internal static CollectivesException TooFewThreads(int provided) =>
        new(
            $"This MPI library does not let several threads call it one after another (it offers level {provided} of "
                + $"MPI_THREAD_SERIALIZED, 2). "
                + "Use a build with threads."
        );

    internal static CollectivesException NoNccl(string reason) =>
        new(
            $"Several processes on GPUs work together by NCCL, and libnccl.so.2 can't be loaded: {reason} "
                + "Install NVIDIA's package libnccl2, or name its folder in LD_LIBRARY_PATH."
        );

    private static string Started(Launch launch) => $"{launch.Command} started this process as one of {launch.Size}";

    private static string Any(IReadOnlyList<string> libraries) => string.Join(" or ", libraries);
}
