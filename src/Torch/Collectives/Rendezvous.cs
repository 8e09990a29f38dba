using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Tessera.Torch;

/// <summary>
/// The meeting of processes that no MPI has started: rank 0 listens at an address, the others connect. The connections stay open, so that a
/// process's
/// end is heard by all.
/// </summary>
/// <remarks>
/// What travels: from each process to rank 0 a greeting of 16 bytes (8 bytes of name and version, rank, number of processes; little
/// endian); from rank 0 as
/// many bytes as were asked for; at the end one byte, <see cref="Bye"/>, from both sides. Nobody is asked who he is, so it is for networks
/// whose machines
/// trust one another, as torchrun's own meeting is.
/// </remarks>
internal sealed class Rendezvous : IMeetingPoint
{
    private const byte Bye = 0x42;
    private const int GreetingBytes = 16;

    private readonly CancellationTokenSource _ended = new();
    private readonly Dictionary<int, Socket> _peers;
    private readonly Deadline _deadline;
    private readonly Action<int> _lost;
    private bool _failed,
        _left;

    private Rendezvous(int rank, int worldSize, Dictionary<int, Socket> peers, Deadline deadline, Action<int> lost)
    {
        (Rank, WorldSize, _peers, _deadline, _lost) = (rank, worldSize, peers, deadline, lost);
        foreach (var socket in peers.Values)
            socket.NoDelay = true;
    }

    public int Rank { get; }
    public int WorldSize { get; }

    private static ReadOnlySpan<byte> Name => "tessera1"u8;

    /// <summary>Meets the others.</summary>
    /// <param name="limit">How long to wait for all of them.</param>
    /// <param name="lost">Told the rank of a process that ended without a word; may be called on any thread, more than once.</param>
    /// <exception cref="CollectivesException">They did not come in time, or the address can't be used.</exception>
    public static Rendezvous Join(string host, int port, int rank, int worldSize, TimeSpan limit, Action<int> lost)
    {
        var deadline = new Deadline(limit);
        var peers = rank == 0 ? Listen(host, port, worldSize, deadline) : new() { [0] = Connect(host, port, rank, worldSize, deadline) };
        return new Rendezvous(rank, worldSize, peers, deadline, lost);
    }

    /// <summary>What a process does when another has ended: say so and end at once; it may be stuck in a call that waits for the lost
    /// one.</summary>
    public static void EndWith(int rank)
    {
        Console.Error.WriteLine($"The process of rank {rank} has ended before its time, so this one ends, too.");
        Console.Error.Flush();
        Process.GetCurrentProcess().Kill();
    }

    public byte[] FromRankZero(byte[] bytes)
    {
        try
        {
            if (Rank == 0)
            {
                foreach (var socket in _peers.Values)
                    socket.Send(bytes);
            }
            else
            {
                var received = new byte[bytes.Length];
                if (!Receive(_peers[0], received, _deadline))
                    throw new CollectivesException("Rank 0 has gone before all processes were there.");
                bytes = received;
            }
        }
        catch (SocketException e)
        {
            throw new CollectivesException($"The processes could not tell one another how to work together: {e.Message}", e);
        }
        foreach (var (rank, socket) in _peers)
            _ = WatchAsync(rank, socket);
        return bytes;
    }

    public void Fail() => _failed = true;

    public void Dispose()
    {
        if (_left)
            return;
        _left = true;
        _ended.Cancel();
        foreach (var socket in _peers.Values)
        {
            try
            {
                if (!_failed)
                    socket.Send([Bye]);
            }
            catch (SocketException)
            {
                // It has gone first.
            }
            socket.Dispose();
        }
        _ended.Dispose();
    }

    private static Dictionary<int, Socket> Listen(string host, int port, int worldSize, Deadline deadline)
    {
        var peers = new Dictionary<int, Socket>();
        // A machine's own name may mean its loopback address, by which others don't reach it: then listen everywhere.
        var address =
            host == "localhost" || (IPAddress.TryParse(host, out var literal) && IPAddress.IsLoopback(literal)) ? IPAddress.Loopback
            : Socket.OSSupportsIPv6 ? IPAddress.IPv6Any
            : IPAddress.Any;
        using var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.Equals(IPAddress.IPv6Any))
            listener.DualMode = true;
        try
        {
            listener.Bind(new IPEndPoint(address, port));
            listener.Listen(worldSize);
            while (peers.Count < worldSize - 1)
            {
                if (!listener.Poll(deadline.Left, SelectMode.SelectRead))
                    throw Missing(peers, worldSize, deadline);
                var socket = listener.Accept();
                if (Greeted(socket, worldSize, peers) is { } rank)
                    peers.Add(rank, socket);
                else
                    socket.Dispose(); // a stranger
            }
            return peers;
        }
        catch (SocketException e)
        {
            Close(peers);
            throw new CollectivesException($"Rank 0 can't listen at port {port}: {e.Message}. Choose another MASTER_PORT.", e);
        }
        catch
        {
            Close(peers);
            throw;
        }
    }

    private static int? Greeted(Socket socket, int worldSize, Dictionary<int, Socket> peers)
    {
        Span<byte> greeting = stackalloc byte[GreetingBytes];
        try
        {
            if (!Receive(socket, greeting, new Deadline(TimeSpan.FromSeconds(5))) || !greeting[..8].SequenceEqual(Name))
                return null;
        }
        catch (Exception e) when (e is SocketException or CollectivesException)
        {
            return null;
        }
        var (rank, size) = (BinaryPrimitives.ReadInt32LittleEndian(greeting[8..]), BinaryPrimitives.ReadInt32LittleEndian(greeting[12..]));
        if (size != worldSize)
            throw new CollectivesException(
                $"Rank {rank} was started as one of {size} processes, rank 0 as one of {worldSize}: WORLD_SIZE must be the same for all."
            );
        if (rank < 1 || rank >= worldSize || peers.ContainsKey(rank))
            throw new CollectivesException($"Two processes have RANK={rank}, or it is none of 0 to {worldSize - 1}.");
        return rank;
    }

    private static Socket Connect(string host, int port, int rank, int worldSize, Deadline deadline)
    {
        Span<byte> greeting = stackalloc byte[GreetingBytes];
        Name.CopyTo(greeting);
        BinaryPrimitives.WriteInt32LittleEndian(greeting[8..], rank);
        BinaryPrimitives.WriteInt32LittleEndian(greeting[12..], worldSize);
        while (true)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp); // IPv6 and IPv4
            try
            {
                socket.Connect(host, port);
                socket.Send(greeting);
                return socket;
            }
            catch (SocketException e)
            {
                socket.Dispose();
                if (deadline.IsOver)
                    throw new CollectivesException($"Rank 0 does not answer at {host}:{port} (MASTER_ADDR, MASTER_PORT): {e.Message}.", e);
                Thread.Sleep(100); // it may not have started yet
            }
        }
    }

    /// <returns>False where the other side has closed.</returns>
    private static bool Receive(Socket socket, Span<byte> bytes, Deadline deadline)
    {
        while (bytes.Length > 0)
        {
            if (!socket.Poll(deadline.Left, SelectMode.SelectRead))
                throw new CollectivesException("Some processes did not come in time.");
            var count = socket.Receive(bytes);
            if (count == 0)
                return false;
            bytes = bytes[count..];
        }
        return true;
    }

    private async Task WatchAsync(int rank, Socket socket)
    {
        var word = new byte[1];
        try
        {
            if (await socket.ReceiveAsync(word, _ended.Token).ConfigureAwait(false) == 1 && word[0] == Bye)
                return;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Over, one way or the other.
        }
        if (!_left)
            _lost(rank);
    }

    private static CollectivesException Missing(Dictionary<int, Socket> peers, int worldSize, Deadline deadline)
    {
        var missing = string.Join(", ", Enumerable.Range(1, worldSize - 1).Where(rank => !peers.ContainsKey(rank)));
        return new CollectivesException(
            $"{peers.Count + 1} of {worldSize} processes have come in {deadline.Limit.TotalSeconds:0} s. Missing: rank {missing}."
        );
    }

    private static void Close(Dictionary<int, Socket> peers)
    {
        foreach (var socket in peers.Values)
            socket.Dispose();
    }

    private sealed class Deadline(TimeSpan limit)
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        public TimeSpan Limit => limit;
        public TimeSpan Left => limit > _clock.Elapsed ? limit - _clock.Elapsed : TimeSpan.Zero;
        public bool IsOver => Left == TimeSpan.Zero;
    }
}
