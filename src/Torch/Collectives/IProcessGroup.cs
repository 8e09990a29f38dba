using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>
/// Processes that train together. <see cref="SingleProcess"/> where there is but one; <see cref="MpiGroup"/> on CPUs,
/// <see cref="NcclGroup"/> on GPUs.
/// </summary>
/// <remarks>Every process makes the same calls in the same order, with tensors of the same shapes. Each call waits for the
/// others, but for those that only begin something.</remarks>
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

    /// <summary>Begins <see cref="AllReduceSum"/> and goes on at once. The tensor is to be left alone until the operation was waited
    /// for.</summary>
    /// <remarks>Operations that were begun match those of the other processes in the order in which they were begun; what is called in
    /// between need not be the same everywhere.</remarks>
    /// <exception cref="ArgumentException">As for <see cref="AllReduceSum"/>.</exception>
    PendingOperation BeginAllReduceSum(Tensor tensor);

    /// <summary>Begins to send a tensor to another process, which calls <see cref="Receive"/>, and goes on at once. The tensor is to be
    /// left alone until the operation was waited for.</summary>
    /// <exception cref="ArgumentException">There is no such other process.</exception>
    PendingOperation BeginSend(Tensor tensor, int rank);

    /// <summary>Copies into the tensor what another process sends, in place; waits for it. Messages of one process come in the order in
    /// which it sends them.</summary>
    /// <param name="tensor">Of the shape and type that is sent.</param>
    /// <exception cref="ArgumentException">There is no such other process.</exception>
    void Receive(Tensor tensor, int rank);

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
