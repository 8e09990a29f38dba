namespace Tessera.Torch.Memory;

/// <summary>Memory that the processor may run, for a moment writable or for ever executable. For Linux.</summary>
internal static unsafe class ExecutableMemory
{
    private const int Read = 1,
        Writable = 2,
        Execute = 4;

    /// <summary>New code: written first, then made executable and no longer writable.</summary>
    /// <returns>The code's address, for the process's life; 0 where the system forbids it.</returns>
    public static nint Write(ReadOnlySpan<byte> code)
    {
        var start = SystemMemory.Map((nuint)code.Length);
        if (start == 0)
            return 0;
        code.CopyTo(new Span<byte>((void*)start, code.Length));
        return SystemMemory.Protect(start, (nuint)code.Length, Read | Execute) == 0 ? start : 0;
    }

    /// <summary>Writes over the first instructions of a function of a library in this process. Threads that enter it meanwhile
    /// wait.</summary>
    /// <param name="address">The function's, a multiple of 16 as compilers align them.</param>
    /// <returns>false where the system forbids it; then nothing is changed.</returns>
    public static bool Replace(nint address, ReadOnlySpan<byte> code)
    {
        var first = address & -Environment.SystemPageSize;
        var bytes = (nuint)(address + code.Length - first);
        if (SystemMemory.Protect(first, bytes, Read | Writable | Execute) != 0)
            return false;
        const ushort jumpToItself = 0xFEEB;
        Volatile.Write(ref *(ushort*)address, jumpToItself);
        Interlocked.MemoryBarrierProcessWide();
        code[2..].CopyTo(new Span<byte>((byte*)address + 2, code.Length - 2));
        Interlocked.MemoryBarrierProcessWide();
        Volatile.Write(ref *(ushort*)address, BitConverter.ToUInt16(code));
        _ = SystemMemory.Protect(first, bytes, Read | Execute);
        return true;
    }
}
