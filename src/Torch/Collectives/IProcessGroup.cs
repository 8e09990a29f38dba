using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>
/// Processes that train together. <see cref="SingleProcess"/> where there is but one; <see cref="MpiGroup"/> on CPUs,
/// <see cref="NcclGroup"/> on GPUs.
/// </summary>
/// <remarks>Every process makes the same calls in the same order, with tensors of the same shapes. Each call waits for the
/// others.</remarks>
public interface IProcessGroup : IDisposable
{
    int Rank { get; }
    int WorldSize { get; }

    /// <summary>Sums the tensor over all processes, in place.</summary>
    /// <remarks>
    /// Half and bfloat16 are summed in float32 and rounded once, small integers in int64. Booleans become true where one process has true.
    /// </remarks>
    /// <exception cref="ArgumentException">The tensor is complex, sparse or quantized.</exception>
    void AllReduceSum(Tensor tensor);

    /// <summary>The sum over all processes as a new tensor, through which gradients pass: each process's input gets the sum of all
    /// processes' gradients.</summary>
    /// <remarks>So backward waits for the other processes, too.</remarks>
    Tensor Sum(Tensor tensor);

    /// <summary>Copies rank 0's values into the tensor, in place.</summary>
    void Broadcast(Tensor tensor);

    /// <summary>Every process's bytes, by rank; lengths may differ.</summary>
    IReadOnlyList<byte[]> AllGather(byte[] bytes);

    void Barrier();

    /// <summary>
    /// This process can't go on: from now on <see cref="IDisposable.Dispose"/> does not wait for the others, and at this process's end they
    /// are
    /// ended, too. Otherwise they would wait for it for ever.
    /// </summary>
    void Fail();
}
