using Tessera.Torch.Interop;

namespace Tessera.Torch;

/// <summary>Memory of one CUDA device in bytes; null where this build of the bridge can't tell.</summary>
/// <param name="Free">Free on the card.</param>
/// <param name="Total">Of the card.</param>
/// <param name="Allocated">In tensors now.</param>
/// <param name="Reserved">Held by libtorch's cache.</param>
/// <param name="Peak">Most that was in tensors.</param>
public sealed record CudaMemory(long? Free, long? Total, long? Allocated, long? Reserved, long? Peak)
{
    public static unsafe CudaMemory Of(int device)
    {
        var figures = stackalloc long[5];
        Check.Result(NativeMethods.tessera_cuda_memory(device, figures));
        return new(Known(figures[0]), Known(figures[1]), Known(figures[2]), Known(figures[3]), Known(figures[4]));
    }

    /// <summary>Gives libtorch's unused memory back to the card.</summary>
    public static void EmptyCache() => Check.Result(NativeMethods.tessera_cuda_empty_cache());

    private static long? Known(long figure) => figure < 0 ? null : figure;
}
