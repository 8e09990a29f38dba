using System.Runtime.InteropServices;

namespace Tessera.Framework.Runtime;

/// <summary>The C library's heap, which libtorch's CPU tensors lie on.</summary>
internal static partial class NativeHeap
{
    /// <summary>
    /// Gives free pages back to the system. An evaluation's batches have other sizes than training's: what it leaves fits
    /// nothing later, and would otherwise stay with the process, a little more after each one.
    /// </summary>
    public static void Trim()
    {
        if (!OperatingSystem.IsLinux()) return;
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
