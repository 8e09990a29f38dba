namespace Tessera.Torch.Memory;

/// <summary>Memory that the processor may run: written first, then made executable and no longer writable.</summary>
internal static unsafe class ExecutableMemory
{
    /// <returns>The code's address, for the process's life; 0 where the system forbids it.</returns>
    public static nint Write(ReadOnlySpan<byte> code)
    {
        const int read = 1,
            execute = 4;
        var start = SystemMemory.Map((nuint)code.Length);
        if (start == 0)
            return 0;
        code.CopyTo(new Span<byte>((void*)start, code.Length));
        return SystemMemory.Protect(start, (nuint)code.Length, read | execute) == 0 ? start : 0;
    }
}
