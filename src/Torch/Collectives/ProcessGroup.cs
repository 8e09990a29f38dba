using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>What every engine of collectives shares: tensors of any type, layout and device become plain runs of numbers in
/// memory.</summary>
/// <remarks>Why it exists: TorchSharp 0.107 has no collectives, and libtorch's are C++ classes that can't be called from outside.</remarks>
public abstract partial class ProcessGroup : IProcessGroup
{
    public abstract int Rank { get; }
    public abstract int WorldSize { get; }

    public void AllReduceSum(Tensor tensor)
    {
        Change(tensor, SummedAs(tensor.dtype), sent => Reduce(Address(sent), sent.numel(), sent.dtype));
    }

    public Tensor Sum(Tensor tensor)
    {
        if (is_grad_enabled() && tensor.requires_grad)
            return SumOverProcesses.apply(tensor, this);
        var sum = tensor.detach().clone();
        AllReduceSum(sum);
        return sum;
    }

    public void Broadcast(Tensor tensor)
    {
        Change(tensor, tensor.dtype, sent => Broadcast(Address(sent), sent.numel() * sent.element_size()));
    }

    public abstract IReadOnlyList<byte[]> AllGather(byte[] bytes);

    public abstract void Barrier();

    public abstract void Fail();

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Where the engine reads and writes memory.</summary>
    protected abstract Device Home { get; }

    /// <param name="type">Float32, Float64 or Int64.</param>
    protected abstract void Reduce(nint data, long count, ScalarType type);

    protected abstract void Broadcast(nint data, long bytes);

    protected abstract void Dispose(bool disposing);

    /// <summary>The address of the first element.</summary>
    protected static nint Address(Tensor tensor) => TensorData(tensor.Handle);

    private void Change(Tensor tensor, ScalarType type, Action<Tensor> work)
    {
        if (tensor.numel() == 0)
            return;
        if (tensor.is_sparse)
            throw new ArgumentException("Collectives take dense tensors.", nameof(tensor));
        using var nothing = no_grad();
        using var scope = NewDisposeScope();
        // One that lies as the engine needs it is changed where it is.
        var fits = tensor.dtype == type && tensor.device.type == Home.type && tensor.is_contiguous();
        var sent = fits ? tensor : tensor.detach().to(type, Home).contiguous();
        work(sent);
        if (!fits)
            tensor.copy_(sent);
    }

    private static ScalarType SummedAs(ScalarType type) =>
        type switch
        {
            ScalarType.Float32 or ScalarType.Float64 or ScalarType.Int64 => type,
            ScalarType.Float16 or ScalarType.BFloat16 => ScalarType.Float32,
            ScalarType.Bool or ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 => ScalarType.Int64,
            _ => throw new ArgumentException($"Tensors of {type} can't be summed over processes.", nameof(type)),
        };

    // Internal in TorchSharp; its spans end at 2^31 bytes and are for CPUs alone.
    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint TensorData(nint tensor);
}
