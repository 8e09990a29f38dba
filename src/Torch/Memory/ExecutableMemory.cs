using System.Runtime.InteropServices;

namespace Tessera.Torch.Memory;

/// <summary>Memory that the processor may run: written first, then made executable and no longer writable.</summary>
internal static unsafe partial class ExecutableMemory
{
    /// <returns>The code's address, for the process's life; 0 where the system forbids it.</returns>
    public static nint Write(ReadOnlySpan<byte> code)
    {
        const int read = 1, write = 2, execute = 4, privateMapping = 2, anonymous = 0x20;
        var start = Map(0, (nuint)code.Length, read | write, privateMapping | anonymous, -1, 0);
        if (start == -1) return 0;
        code.CopyTo(new Span<byte>((void*)start, code.Length));
        return Protect(start, (nuint)code.Length, read | execute) == 0 ? start : 0;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint bytes, int protection);
}
