using System.Runtime.InteropServices;
using Tessera.Torch.Loading;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers.Passes;

/// <summary>Tensors as plain memory: float32 on the CPU, every element once, without gaps, in whatever order of the dimensions.</summary>
/// <remarks>Why it exists: TorchSharp gives the memory of contiguous tensors only (<c>Tensor.bytes</c>); weights of convolutions lie
/// channels last.</remarks>
internal static unsafe partial class FlatFloats
{
    private const int MaxDimensions = 8;

    private static readonly delegate* unmanaged<nint, void> s_bumpVersion = (delegate* unmanaged<nint, void>)
        Exports.Find(Exports.BumpVersion);

    /// <summary>Whether the tensor is such memory.</summary>
    public static bool IsFlat(Tensor tensor) => IsFloats(tensor) && (tensor.is_contiguous() || HasNoGaps(tensor));

    /// <summary>Whether a tensor is float32 on the CPU, and keeps each element at the same place as a flat one of its shape.</summary>
    public static bool IsLike(Tensor tensor, Tensor flat)
    {
        if (!IsFloats(tensor))
            return false;
        var dimensions = flat.dim();
        if (tensor.dim() != dimensions)
            return false;
        for (var i = 0; i < dimensions; i++)
        {
            var size = flat.size(i);
            if (tensor.size(i) != size || (size > 1 && tensor.stride(i) != flat.stride(i)))
                return false;
        }
        return true;
    }

    /// <summary>The first element; valid as long as the tensor lives.</summary>
    public static float* Memory(Tensor tensor) => (float*)Data(tensor.Handle);

    /// <summary>Tells autograd that the values have changed, as an operator in place would: a backward that needs the old ones fails
    /// instead of being wrong.</summary>
    public static void NoteChange(Tensor tensor)
    {
        if (s_bumpVersion != null)
            s_bumpVersion(tensor.Handle);
        else
            NoteChangeByView(tensor);
    }

    /// <summary>The same where libtorch lacks the function, or exports it under another name, as on Windows; slower.</summary>
    internal static void NoteChangeByView(Tensor tensor)
    {
        using var flat = tensor.dim() == 0 ? tensor.unsqueeze(0) : tensor.alias();
        using var none = flat.narrow(0, 0, 0);
        none.zero_(); // a view shares its version with what it views
    }

    private static bool IsFloats(Tensor tensor) =>
        tensor.dtype == ScalarType.Float32 && tensor.device_type == DeviceType.CPU && !tensor.is_sparse;

    /// <summary>Whether sorting the dimensions by stride gives a contiguous tensor.</summary>
    private static bool HasNoGaps(Tensor tensor)
    {
        var dimensions = (int)tensor.dim();
        if (dimensions > MaxDimensions)
            return false;
        Span<long> sizes = stackalloc long[MaxDimensions],
            strides = stackalloc long[MaxDimensions];
        var count = 0;
        for (var i = 0; i < dimensions; i++)
            if (tensor.size(i) is not 1 and var size)
                (sizes[count], strides[count++]) = (size, tensor.stride(i));
        MemoryExtensions.Sort(strides[..count], sizes[..count]);
        long expected = 1;
        for (var i = 0; i < count; i++)
        {
            if (strides[i] != expected)
                return false;
            expected *= sizes[i];
        }
        return true;
    }

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    [SuppressGCTransition] // reads one field
    private static partial nint Data(nint tensor);
}
