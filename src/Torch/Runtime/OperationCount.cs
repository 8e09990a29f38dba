using Tessera.Torch.Interop;

namespace Tessera.Torch;

/// <summary>Counts what this thread's operators compute until it is disposed, on the same thread; one at a time.</summary>
/// <remarks>By libtorch's own recording of operators, so that whatever composite ones come down to is seen.</remarks>
public sealed unsafe class OperationCount : IDisposable
{
    private ulong _handle;

    public OperationCount()
    {
        _handle = NativeMethods.tessera_count_begin();
        if (_handle == 0) Check.Throw();
    }

    /// <summary>Multiply-adds of products and convolutions, the values these gave, and bytes of all results.</summary>
    public (long MultiplyAdds, long Values, long Bytes) Read()
    {
        var figures = stackalloc long[3];
        NativeMethods.tessera_counted(figures);
        return (figures[0], figures[1], figures[2]);
    }

    public void Dispose()
    {
        if (_handle == 0) return;
        _ = NativeMethods.tessera_count_end(_handle);
        _handle = 0;
    }
}
