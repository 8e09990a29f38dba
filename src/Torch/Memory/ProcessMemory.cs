using System.Runtime.InteropServices;
using Tessera.Torch.Loading;

namespace Tessera.Torch.Memory;

/// <summary>What the process holds of the system's memory: the managed heap, the C library's, and what the tensor library keeps.</summary>
public static partial class ProcessMemory
{
    /// <summary>
    /// Gives free pages back to the system. An evaluation's batches have other sizes than training's: what it leaves fits
    /// nothing later, and would otherwise stay with the process, a little more after each one.
    /// </summary>
    public static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        MemorySettings.GiveBack();
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc: it gives pages back by itself.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint pad);
}
