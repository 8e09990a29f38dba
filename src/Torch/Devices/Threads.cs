using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>How many threads one operator of libtorch gets.</summary>
public static class Threads
{
    public static int Count => get_num_threads();

    /// <summary>As asked; else the cores, shared among the processes of this machine; else what OMP_NUM_THREADS says.</summary>
    /// <param name="asked">0: not asked.</param>
    public static void Set(int asked)
    {
        Loading.LibTorch.Load();
        if (asked > 0) set_num_threads(asked);
        else if (ProcessesHere() is > 1 and var processes) set_num_threads(Math.Max(1, Processor.Cores / processes));
        else if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null or "" && Count != Processor.Cores) set_num_threads(Processor.Cores);
    }

    /// <summary>Processes of one run on this machine, as torchrun, Open MPI, MPICH and Slurm tell it.</summary>
    private static int ProcessesHere() => ((string[])["LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_NTASKS_PER_NODE"])
        .Select(name => int.TryParse(Environment.GetEnvironmentVariable(name), out var count) ? count : 0).FirstOrDefault(count => count > 0);
}
