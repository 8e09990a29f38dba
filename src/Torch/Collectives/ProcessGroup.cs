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

    public PendingOperation BeginAllReduceSum(Tensor tensor)
    {
        if (tensor.numel() == 0)
            return PendingOperation.Done;
        var sent = AsSent(tensor, SummedAs(tensor.dtype));
        var end = BeginReduce(Address(sent), sent.numel(), sent.dtype);
        return new PendingOperation(() =>
        {
            end();
            GC.KeepAlive(tensor);
            if (ReferenceEquals(sent, tensor))
                return;
            using var nothing = no_grad();
            tensor.copy_(sent);
            sent.Dispose();
        });
    }

    public PendingOperation BeginSend(Tensor tensor, int rank)
    {
        RequireOther(rank);
        if (tensor.numel() == 0)
            return PendingOperation.Done;
        var sent = AsSent(tensor, tensor.dtype);
        var end = BeginSend(Address(sent), sent.numel() * sent.element_size(), rank);
        return new PendingOperation(() =>
        {
            end();
            GC.KeepAlive(tensor);
            if (!ReferenceEquals(sent, tensor))
                sent.Dispose();
        });
    }

    public void Receive(Tensor tensor, int rank)
    {
        RequireOther(rank);
        Change(tensor, tensor.dtype, sent => Receive(Address(sent), sent.numel() * sent.element_size(), rank));
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

    /// <summary>Begins <see cref="Reduce"/>; by default it is done at once, which is right where the device itself puts calls in a
    /// queue.</summary>
    /// <returns>Waits for it.</returns>
    protected virtual Action BeginReduce(nint data, long count, ScalarType type)
    {
        Reduce(data, count, type);
        return () => { };
    }

    /// <summary>Begins to send.</summary>
    /// <returns>Waits until the memory may be changed.</returns>
    protected abstract Action BeginSend(nint data, long bytes, int rank);

    protected abstract void Receive(nint data, long bytes, int rank);

    protected abstract void Dispose(bool disposing);

    /// <summary>The address of the first element.</summary>
    protected static nint Address(Tensor tensor) => TensorData(tensor.Handle);

    private void Change(Tensor tensor, ScalarType type, Action<Tensor> work)
    {
        if (tensor.numel() == 0)
            return;
        using var nothing = no_grad();
        var sent = AsSent(tensor, type);
        try
        {
            work(sent);
            if (!ReferenceEquals(sent, tensor))
                tensor.copy_(sent);
        }
        finally
        {
            if (!ReferenceEquals(sent, tensor))
                sent.Dispose();
        }
    }

    /// <summary>The tensor itself where it lies as the engine needs it, otherwise a copy that does, in no dispose scope.</summary>
    private Tensor AsSent(Tensor tensor, ScalarType type)
    {
        if (tensor.is_sparse)
            throw new ArgumentException("Collectives take dense tensors.", nameof(tensor));
        if (tensor.dtype == type && tensor.device.type == Home.type && tensor.is_contiguous())
            return tensor;
        using var nothing = no_grad();
        using var scope = NewDisposeScope();
        return tensor.detach().to(type, Home).contiguous().DetachFromDisposeScope();
    }

    private void RequireOther(int rank)
    {
        if (rank < 0 || rank >= WorldSize || rank == Rank)
            throw new ArgumentException($"Process {Rank} of {WorldSize} can't send to or receive from process {rank}.", nameof(rank));
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
