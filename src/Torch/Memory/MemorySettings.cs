using System.Runtime.InteropServices;
using Tessera.Torch.Loading;

namespace Tessera.Torch.Memory;

/// <summary>How the process holds the memory of CPU tensors; docs/design/memory.md says what was measured.</summary>
internal static partial class MemorySettings
{
    /// <summary>The C library's heap: one for all threads, and freed memory stays with the process, so that the next iteration finds it
    /// without page faults.</summary>
    public static void BeforeLoading()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("MALLOC_ARENA_MAX") is { Length: > 0 })
            return;
        const int trimThreshold = -1,
            mmapThreshold = -3,
            arenas = -8;
        try
        {
            _ = MallOpt(arenas, 1);
            _ = MallOpt(mmapThreshold, 32 << 20); // the most that glibc accepts
            _ = MallOpt(trimThreshold, int.MaxValue);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc.
        }
    }

    public static void AfterLoading()
    {
        _ = LateScalars.Install(Exports.Binding());
        _ = CpuAllocator.Install();
    }

    /// <summary>Gives memory of freed tensors back to the system.</summary>
    public static void GiveBack() => LargeBlocks.Trim();

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int MallOpt(int parameter, int value);
}
