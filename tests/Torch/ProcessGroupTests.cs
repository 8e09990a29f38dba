using System.Net;
using System.Net.Sockets;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class ProcessGroupTests
{
    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [Fact]
    public async Task TwoRanks_ReduceBroadcastAndGather()
    {
        var port = FreePort();
        var sums = new float[2];
        var copies = new float[2];
        var averages = new float[2];
        var gathered = new float[2][];
        var ranks = Enumerable.Range(0, 2).Select(rank => Task.Factory.StartNew(() =>
        {
            using var group = new ProcessGroup("gloo", "127.0.0.1", port, rank, 2, TimeSpan.FromSeconds(60));
            using var scope = NewDisposeScope();
            var value = tensor(rank + 1f);
            group.AllReduce(value);
            sums[rank] = value.ToSingle();
            var average = tensor(rank + 1f);
            group.AllReduce(average, ReduceOperation.Average);
            averages[rank] = average.ToSingle();
            var copy = tensor(rank + 5f);
            group.Broadcast(copy, root: 1);
            copies[rank] = copy.ToSingle();
            gathered[rank] = [.. group.AllGather(tensor(rank * 10f)).Select(t => t.ToSingle())];
            group.Barrier();
        }, TaskCreationOptions.LongRunning)).ToArray();
        await Task.WhenAll(ranks).WaitAsync(TimeSpan.FromSeconds(100));
        Assert.Equal([3, 3], sums);
        Assert.Equal([1.5f, 1.5f], averages);
        Assert.Equal([6, 6], copies);
        Assert.Equal([[0, 10], [0, 10]], gathered);
    }

    [Fact]
    public void UnknownBackend_IsNamed()
    {
        Assert.True(ProcessGroup.Has("gloo"));
        Assert.False(ProcessGroup.Has("smoke"));
        Assert.Contains("smoke", Assert.ThrowsAny<Exception>(() => new ProcessGroup("smoke", "127.0.0.1", FreePort(), 0, 1, TimeSpan.FromSeconds(20))).Message, StringComparison.Ordinal);
    }
}
