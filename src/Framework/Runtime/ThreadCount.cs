namespace Tessera.Framework.Runtime;

/// <summary>How many threads the tensor library gets.</summary>
internal static class ThreadCount
{
    /// <summary>As asked; else the cores, shared among the processes of this machine; else what OMP_NUM_THREADS says.</summary>
    /// <param name="asked">0: not asked.</param>
    public static void Set(ITorchRuntime runtime, int asked)
    {
        if (asked > 0) runtime.Threads = asked;
        else if (int.TryParse(Environment.GetEnvironmentVariable("LOCAL_WORLD_SIZE"), out var processes) && processes > 1) runtime.Threads = Math.Max(1, Processor.Cores / processes);
        else if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null or "" && runtime.Threads != Processor.Cores) runtime.Threads = Processor.Cores;
    }
}
