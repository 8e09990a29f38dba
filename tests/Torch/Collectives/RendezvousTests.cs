using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Tessera.Torch;

namespace Tessera.Tests.Torch.Collectives;

/// <summary>How processes meet without MPI, played by threads over the loopback device.</summary>
public sealed class RendezvousTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);
    private static readonly byte[] s_id = [.. Enumerable.Range(0, NcclLibrary.UniqueId.Bytes).Select(i => (byte)(i * 7))];

    [Fact]
    public async Task EveryProcess_GetsRankZerosBytes_AndNoneIsLostAtTheEnd()
    {
        var lost = new ConcurrentBag<int>();
        var port = FreePort();
        var tasks = Enumerable
            .Range(0, 3)
            .Select(rank =>
                Start(() =>
                {
                    Thread.Sleep((2 - rank) * 150); // rank 0 comes last: the others try again
                    using var meeting = Rendezvous.Join("127.0.0.1", port, rank, 3, s_limit, lost.Add);
                    Thread.Sleep(rank * 50);
                    return meeting.FromRankZero(rank == 0 ? s_id : new byte[s_id.Length]);
                })
            )
            .ToArray();
        foreach (var received in await Task.WhenAll(tasks).WaitAsync(s_limit))
            Assert.Equal(s_id, received);
        Assert.Empty(lost);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task ProcessThatEndsWithoutAWord_IsMissedByTheOther(int ending)
    {
        var port = FreePort();
        var lost = new TaskCompletionSource<int>();
        var meetings = await Task.WhenAll(
                Enumerable
                    .Range(0, 2)
                    .Select(rank =>
                        Start(() =>
                            Rendezvous.Join(
                                "localhost",
                                port,
                                rank,
                                2,
                                s_limit,
                                missed =>
                                {
                                    if (rank != ending)
                                        lost.TrySetResult(missed);
                                }
                            )
                        )
                    )
            )
            .WaitAsync(s_limit);
        foreach (var meeting in meetings)
            meeting.FromRankZero(s_id);
        meetings[ending].Fail();
        meetings[ending].Dispose();
        Assert.Equal(ending, await lost.Task.WaitAsync(s_limit));
        meetings[1 - ending].Dispose();
    }

    [Fact]
    public async Task Strangers_AreSentAway()
    {
        var port = FreePort();
        var zero = Start(() => Rendezvous.Join("localhost", port, 0, 2, s_limit, _ => { }));
        foreach (
            var said in (byte[][])
                [
                    [],
                    "GET / HTTP/1.1\r\n\r\n"u8.ToArray(),
                    new byte[16],
                ]
        )
        {
            using var stranger = await ConnectAsync(port);
            var stream = stranger.GetStream();
            await stream.WriteAsync(said);
            stranger.Client.Shutdown(SocketShutdown.Send);
            try
            {
                Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(s_limit));
            }
            catch (IOException)
            {
                // Closed with words unread.
            }
        }
        using var one = await Start(() => Rendezvous.Join("localhost", port, 1, 2, s_limit, _ => { })).WaitAsync(s_limit);
        using var met = await zero.WaitAsync(s_limit);
        met.FromRankZero(s_id);
        Assert.Equal(s_id, one.FromRankZero(new byte[s_id.Length]));
    }

    [Fact]
    public async Task ProcessesThatDontCome_AreNamed()
    {
        var port = FreePort();
        var limit = TimeSpan.FromSeconds(2);
        var zero = Start(() => Rendezvous.Join("localhost", port, 0, 4, limit, _ => { }));
        var two = Start(() => Rendezvous.Join("localhost", port, 2, 4, limit, _ => { }).FromRankZero(new byte[8]));
        var error = await Assert.ThrowsAsync<CollectivesException>(() => zero.WaitAsync(s_limit));
        Assert.Equal("2 of 4 processes have come in 2 s. Missing: rank 1, 3.", error.Message);
        await Assert.ThrowsAsync<CollectivesException>(() => two.WaitAsync(s_limit));

        var alone = await Assert.ThrowsAsync<CollectivesException>(() =>
            Start(() => Rendezvous.Join("localhost", port, 1, 2, limit, _ => { })).WaitAsync(s_limit)
        );
        Assert.Contains($"Rank 0 does not answer at localhost:{port} (MASTER_ADDR, MASTER_PORT)", alone.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 3, "Rank 1 was started as one of 3 processes, rank 0 as one of 2")]
    [InlineData(7, 2, "Two processes have RANK=7, or it is none of 0 to 1")]
    public async Task ProcessesThatDisagree_AreAMistake(int rank, int worldSize, string message)
    {
        var port = FreePort();
        var zero = Start(() => Rendezvous.Join("localhost", port, 0, 2, s_limit, _ => { }));
        using var other = await Start(() => Rendezvous.Join("localhost", port, rank, worldSize, s_limit, _ => { })).WaitAsync(s_limit);
        Assert.Contains(
            message,
            (await Assert.ThrowsAsync<CollectivesException>(() => zero.WaitAsync(s_limit))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void PortInUse_IsNamed()
    {
        using var occupied = new TcpListener(IPAddress.Loopback, 0);
        occupied.Start();
        var port = ((IPEndPoint)occupied.LocalEndpoint).Port;
        var error = Assert.Throws<CollectivesException>(() => Rendezvous.Join("localhost", port, 0, 2, s_limit, _ => { }));
        Assert.Contains($"can't listen at port {port}", error.Message, StringComparison.Ordinal);
        Assert.Contains("MASTER_PORT", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UniqueId_Has128Bytes() => Assert.Equal(128, System.Runtime.CompilerServices.Unsafe.SizeOf<NcclLibrary.UniqueId>());

    private static Task<T> Start<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static async Task<TcpClient> ConnectAsync(int port)
    {
        for (var i = 0; ; i++)
        {
            var client = new TcpClient(AddressFamily.InterNetwork);
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, port);
                return client;
            }
            catch (SocketException) when (i < 200)
            {
                client.Dispose();
                await Task.Delay(50);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
