using System.Collections.Concurrent;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Processes;

/// <summary>Processes played by threads.</summary>
internal sealed class ThreadGroup : IProcessGroup
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly Shared _shared;

    private ThreadGroup(int rank, Shared shared) => (Rank, _shared) = (rank, shared);

    public int Rank { get; }
    public int WorldSize => _shared.Barrier.ParticipantCount;

    /// <summary>Does work in so many processes; the first error of any of them is thrown.</summary>
    public static T[] Run<T>(int processes, Func<IProcessGroup, T> work)
    {
        using var shared = new Shared(processes);
        var tasks = Enumerable
            .Range(0, processes)
            .Select(rank => Task.Factory.StartNew(() => work(new ThreadGroup(rank, shared)), TaskCreationOptions.LongRunning))
            .ToArray();
        Assert.True(Task.WaitAll(tasks, TimeSpan.FromMinutes(3)), "A process waits for one that doesn't come.");
        return [.. tasks.Select(task => task.Result)];
    }

    public IReadOnlyList<byte[]> AllGather(byte[] bytes)
    {
        _shared.Posted[Rank] = bytes;
        Barrier();
        byte[][] all = [.. _shared.Posted];
        Barrier();
        return all;
    }

    public void AllReduceSum(Tensor tensor)
    {
        using var nothing = no_grad();
        using var scope = NewDisposeScope();
        var all = AllGather(Bytes(tensor)).Select(bytes => Read(bytes, tensor));
        tensor.copy_(all.Aggregate((a, b) => a + b));
    }

    public PendingOperation BeginAllReduceSum(Tensor tensor)
    {
        AllReduceSum(tensor);
        return PendingOperation.Done;
    }

    // Read when it is waited for, so that a tensor that is changed before is noticed.
    public PendingOperation BeginSend(Tensor tensor, int rank)
    {
        var message = new Lazy<byte[]>(() => Bytes(tensor));
        _shared.Messages[(Rank, rank)].Add(message);
        return new PendingOperation(() => _ = message.Value);
    }

    public void Receive(Tensor tensor, int rank)
    {
        using var nothing = no_grad();
        using var scope = NewDisposeScope();
        Assert.True(_shared.Messages[(rank, Rank)].TryTake(out var message, s_limit), "A message doesn't come.");
        tensor.copy_(Read(message.Value, tensor));
    }

    public Tensor Sum(Tensor tensor) => throw new NotSupportedException();

    public void Broadcast(Tensor tensor)
    {
        using var nothing = no_grad();
        using var scope = NewDisposeScope();
        tensor.copy_(Read(AllGather(Bytes(tensor))[0], tensor));
    }

    public void Barrier() => Assert.True(_shared.Barrier.SignalAndWait(s_limit), "A process doesn't come.");

    public void Fail() { }

    public void Dispose() { }

    private static byte[] Bytes(Tensor tensor)
    {
        using var nothing = no_grad();
        using var scope = NewDisposeScope();
        return tensor.detach().contiguous().bytes.ToArray();
    }

    private static Tensor Read(byte[] bytes, Tensor like)
    {
        var read = zeros(like.shape, like.dtype);
        Assert.Equal(read.bytes.Length, bytes.Length);
        bytes.CopyTo(read.bytes);
        return read;
    }

    private sealed class Shared : IDisposable
    {
        public Shared(int processes)
        {
            Barrier = new Barrier(processes);
            Posted = new byte[processes][];
            Messages = (from a in Enumerable.Range(0, processes) from b in Enumerable.Range(0, processes) select (a, b)).ToDictionary(
                pair => pair,
                _ => new BlockingCollection<Lazy<byte[]>>()
            );
        }

        public Barrier Barrier { get; }
        public byte[][] Posted { get; }
        public Dictionary<(int From, int To), BlockingCollection<Lazy<byte[]>>> Messages { get; }

        public void Dispose()
        {
            Barrier.Dispose();
            foreach (var messages in Messages.Values)
                messages.Dispose();
        }
    }
}
