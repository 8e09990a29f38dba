using System.Runtime.InteropServices;

namespace Tessera.Torch.Memory;

/// <summary>Pages asked of the system itself, by the C library of Linux.</summary>
internal static partial class SystemMemory
{
    private const int ReadWrite = 3,
        PrivateMapping = 2,
        Anonymous = 0x20;

    /// <summary>Reserve addresses alone; pages come as they are touched.</summary>
    public const int NoReserve = 0x4000;

    /// <returns>The first address of zeroed, private memory; 0 where the system refuses.</returns>
    public static nint Map(nuint bytes, int flags = 0) =>
        Map(0, bytes, ReadWrite, PrivateMapping | Anonymous | flags, -1, 0) is not -1 and var start ? start : 0;

    [LibraryImport("libc", EntryPoint = "madvise")]
    public static partial int Advise(nint address, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    public static partial int Protect(nint address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);
}
