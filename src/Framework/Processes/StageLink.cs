using System.Diagnostics;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Processes;

/// <summary>Messages between stages: tensors that say their type and shape themselves.</summary>
internal sealed class StageLink(IProcessGroup group, Device device)
{
    private const int MaxDimensions = 8;

    private readonly List<(PendingOperation Operation, Tensor Tensor)> _sent = [];
    private long _waited;

    /// <summary>Time spent in waiting for other processes' messages, since the link was made.</summary>
    public TimeSpan Waited => Stopwatch.GetElapsedTime(0, _waited);

    /// <summary>Begins to send; a copy of the tensor's handle is kept until <see cref="Flush"/>.</summary>
    public void Send(Tensor tensor, int rank)
    {
        using var nothing = no_grad();
        var header = new long[MaxDimensions + 2];
        (header[0], header[1]) = ((long)tensor.dtype, tensor.dim());
        tensor.shape.CopyTo(header, 2);
        Begin(torch.tensor(header), rank);
        Begin(tensor.detach(), rank);
    }

    /// <summary>Begins to send a tensor whose type and shape the other process knows.</summary>
    public void SendPlain(Tensor tensor, int rank)
    {
        using var nothing = no_grad();
        Begin(tensor.detach(), rank);
    }

    /// <summary>What another process has sent by <see cref="Send"/>, of the present dispose scope.</summary>
    public Tensor Receive(int rank)
    {
        using var nothing = no_grad();
        using var scope = NewDisposeScope();
        var header = zeros(MaxDimensions + 2, ScalarType.Int64);
        Await(() => group.Receive(header, rank));
        var values = header.Values<long>();
        var received = zeros(values.AsSpan(2, (int)values[1]).ToArray(), (ScalarType)values[0], device);
        Await(() => group.Receive(received, rank));
        return scope.MoveToOuter(received);
    }

    /// <summary>What another process has sent by <see cref="SendPlain"/>, of the present dispose scope.</summary>
    /// <param name="like">Of its type and shape.</param>
    public Tensor ReceivePlain(Tensor like, int rank)
    {
        using var nothing = no_grad();
        var received = zeros(like.shape, like.dtype, device);
        Await(() => group.Receive(received, rank));
        return received;
    }

    /// <summary>Waits until everything that was sent is on its way.</summary>
    public void Flush()
    {
        foreach (var (operation, tensor) in _sent)
        {
            Await(operation.Wait);
            tensor.Dispose();
        }
        _sent.Clear();
    }

    /// <summary>Counts what an action waits for other processes.</summary>
    public void Await(Action action)
    {
        var begin = Stopwatch.GetTimestamp();
        action();
        _waited += Stopwatch.GetTimestamp() - begin;
    }

    private void Begin(Tensor tensor, int rank)
    {
        tensor.DetachFromDisposeScope();
        _sent.Add((group.BeginSend(tensor, rank), tensor));
    }
}
