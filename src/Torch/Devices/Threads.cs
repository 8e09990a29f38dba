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
        if (asked > 0)
            set_num_threads(asked);
        else if (Launch.Find().LocalSize is > 1 and var processes)
            set_num_threads(Share(Processor.Cores, Affinity.LaunchersCores() ?? Processor.Cores, processes));
        else if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null or "" && Count != Processor.Cores)
            set_num_threads(Processor.Cores);
    }

    /// <summary>
    /// A process's part of the cores. Where the launcher has bound it to cores of its own (mpirun does by default), it has these, but not
    /// more than its part:
    /// several may be bound to one socket together.
    /// </summary>
    /// <param name="own">Cores that this process may use.</param>
    /// <param name="launchers">Cores that its launcher may use.</param>
    /// <param name="processes">Processes on this machine.</param>
    internal static int Share(int own, int launchers, int processes) => Math.Max(1, Math.Min(own, Math.Max(own, launchers) / processes));
}
