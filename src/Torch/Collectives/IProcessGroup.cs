using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>Processes that train together. <see cref="SingleProcess"/> where there is but one.</summary>
public interface IProcessGroup : IDisposable
{
    int Rank { get; }
    int WorldSize { get; }

    /// <summary>Sums the tensor over all processes, in place.</summary>
    void AllReduceSum(Tensor tensor);

    /// <summary>The sum over all processes as a new tensor, through which gradients pass: each process's input gets the sum of all processes' gradients.</summary>
    Tensor Sum(Tensor tensor);

    /// <summary>Copies rank 0's values into the tensor, in place.</summary>
    void Broadcast(Tensor tensor);

    /// <summary>Every process's bytes, by rank.</summary>
    IReadOnlyList<byte[]> AllGather(byte[] bytes);

    void Barrier();
}
