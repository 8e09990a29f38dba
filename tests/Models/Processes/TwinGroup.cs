using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Processes;

/// <summary>Two processes that do the same, played by one: every sum is twice what this one gives.</summary>
internal sealed class TwinGroup : IProcessGroup
{
    public int Rank => 0;
    public int WorldSize => 2;

    public void AllReduceSum(Tensor tensor)
    {
        using var nothing = no_grad();
        tensor.mul_(2);
    }

    public PendingOperation BeginAllReduceSum(Tensor tensor) => new(() => AllReduceSum(tensor));

    public Tensor Sum(Tensor tensor) => tensor * 2;

    public PendingOperation BeginSend(Tensor tensor, int rank) => throw new NotSupportedException();

    public void Receive(Tensor tensor, int rank) => throw new NotSupportedException();

    public void Broadcast(Tensor tensor) { }

    public IReadOnlyList<byte[]> AllGather(byte[] bytes) => [bytes, bytes];

    public void Barrier() { }

    public void Fail() { }

    public void Dispose() { }
}
