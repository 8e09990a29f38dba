using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>A group of one.</summary>
public sealed class SingleProcess : IProcessGroup
{
    public int Rank => 0;
    public int WorldSize => 1;

    public void AllReduceSum(Tensor tensor) { }

    public PendingOperation BeginAllReduceSum(Tensor tensor) => PendingOperation.Done;

    public PendingOperation BeginSend(Tensor tensor, int rank) => throw Alone(nameof(rank));

    public void Receive(Tensor tensor, int rank) => throw Alone(nameof(rank));

    public Tensor Sum(Tensor tensor) => tensor.alias();

    public void Broadcast(Tensor tensor) { }

    public IReadOnlyList<byte[]> AllGather(byte[] bytes) => [bytes];

    public void Barrier() { }

    public void Fail() { }

    public void Dispose() { }

    private static ArgumentException Alone(string parameter) => new("There is no other process to send to or receive from.", parameter);
}
