using System.Text;
using Tessera.Torch.Interop;
using Tensor = TorchSharp.torch.Tensor;

namespace Tessera.Torch;

/// <summary>How a reduction joins the values of all processes.</summary>
public enum ReduceOperation { Sum = 0, Average = 1, Product = 2, Min = 3, Max = 4 }

/// <summary>Processes that work together, over libtorch's c10d.</summary>
/// <remarks>Rank 0 listens at the address; every call must be made by all processes, in the same order.</remarks>
public sealed unsafe class ProcessGroup : IDisposable
{
    private IntPtr _handle;

    /// <param name="backend">"gloo" for CPU tensors, "nccl" for CUDA tensors.</param>
    /// <param name="timeout">How long a call waits for the others; 30 minutes if it isn't given.</param>
    public ProcessGroup(string backend, string host, int port, int rank, int worldSize, TimeSpan? timeout = null)
    {
        if (worldSize < 1 || rank < 0 || rank >= worldSize) throw new ArgumentException($"Rank {rank} of {worldSize} processes");
        if (port is < 0 or > 65535) throw new ArgumentOutOfRangeException(nameof(port), port, "A port is a number from 0 to 65535.");
        Rank = rank;
        WorldSize = worldSize;
        fixed (byte* b = Encoding.UTF8.GetBytes(backend + '\0'), h = Encoding.UTF8.GetBytes(host + '\0'))
            _handle = Check.Result(NativeMethods.tessera_group_new(b, h, port, rank, worldSize, (long)(timeout ?? TimeSpan.FromMinutes(30)).TotalMilliseconds));
    }

    ~ProcessGroup() => Release();

    public int Rank { get; }
    public int WorldSize { get; }

    /// <summary>Whether this build of the bridge has a backend: "gloo" or "nccl".</summary>
    public static bool Has(string backend) => backend switch
    {
        "gloo" => (NativeMethods.tessera_distributed_backends() & 1) != 0,
        "nccl" => (NativeMethods.tessera_distributed_backends() & 2) != 0,
        _ => false,
    };

    private IntPtr Handle => _handle != IntPtr.Zero ? _handle : throw new ObjectDisposedException(nameof(ProcessGroup));

    /// <summary>Joins the values of all processes, in place.</summary>
    public void AllReduce(Tensor tensor, ReduceOperation operation = ReduceOperation.Sum)
    {
        if (operation == ReduceOperation.Average)
        {
            AllReduce(tensor, ReduceOperation.Sum); // gloo has no average
            tensor.div_(WorldSize);
            return;
        }
        Check.Result(NativeMethods.tessera_group_allreduce(Handle, tensor.Handle, (int)operation));
        GC.KeepAlive(tensor);
    }

    /// <summary>The sum of all processes' values as a new tensor. Gradients pass: each process's input gets the sum of all outputs' gradients.</summary>
    /// <remarks>The backward pass waits for the other processes, too.</remarks>
    public Tensor Sum(Tensor tensor)
    {
        var sum = new Tensor(Check.Result(NativeMethods.tessera_group_sum(Handle, tensor.Handle)));
        GC.KeepAlive(tensor);
        return sum;
    }

    /// <summary>Copies one process's values to all others, in place.</summary>
    public void Broadcast(Tensor tensor, int root = 0)
    {
        Check.Result(NativeMethods.tessera_group_broadcast(Handle, tensor.Handle, root));
        GC.KeepAlive(tensor);
    }

    /// <summary>Every process's values, by rank; shapes must agree.</summary>
    public Tensor[] AllGather(Tensor tensor)
    {
        var gathered = new Tensor[WorldSize];
        var handles = stackalloc IntPtr[WorldSize];
        for (var i = 0; i < gathered.Length; i++)
        {
            gathered[i] = tensor.empty_like();
            handles[i] = gathered[i].Handle;
        }
        Check.Result(NativeMethods.tessera_group_allgather(Handle, tensor.Handle, handles, WorldSize));
        GC.KeepAlive(tensor);
        return gathered;
    }

    /// <summary>Waits until all processes are here.</summary>
    public void Barrier() => Check.Result(NativeMethods.tessera_group_barrier(Handle));

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (_handle != IntPtr.Zero) NativeMethods.tessera_group_release(_handle);
        _handle = IntPtr.Zero;
    }
}
