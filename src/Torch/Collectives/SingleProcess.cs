using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>A group of one.</summary>
public sealed class SingleProcess : IProcessGroup
{
    public int Rank => 0;
    public int WorldSize => 1;

    public void AllReduceSum(Tensor tensor) { }

    public Tensor Sum(Tensor tensor) => tensor.alias();

    public void Broadcast(Tensor tensor) { }

    public IReadOnlyList<byte[]> AllGather(byte[] bytes) => [bytes];

    public void Barrier() { }

    public void Fail() { }

    public void Dispose() { }
}
