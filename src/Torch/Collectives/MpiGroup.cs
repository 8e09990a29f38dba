using System.Text;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>The processes that one mpirun, mpiexec or srun has started, over MPI: the engine for CPUs.</summary>
/// <remarks>
/// MPI's own handling of errors stays: a call that fails, or a process that dies, ends all of them with MPI's message.
/// MPI is joined once in a process, and left once.
/// </remarks>
public sealed unsafe class MpiGroup : ProcessGroup, IMeetingPoint
{
    private static readonly Lock s_calls = new();
    private static bool s_joined;

    private readonly MpiLibrary _mpi;
    private readonly MpiRequests _requests;
    private readonly int _rank,
        _size;
    private bool _failed,
        _left;

    private MpiGroup(MpiLibrary mpi)
    {
        _mpi = mpi;
        int rank,
            size;
        Check(mpi.CommRank(mpi.World, &rank), "MPI_Comm_rank");
        Check(mpi.CommSize(mpi.World, &size), "MPI_Comm_size");
        (_rank, _size) = (rank, size);
        nint apart;
        Check(mpi.CommDuplicate(mpi.World, &apart), "MPI_Comm_dup");
        _requests = new MpiRequests(mpi, apart, s_calls);
    }

    public override int Rank => _rank;
    public override int WorldSize => _size;

    /// <summary>Name and version of the library, in its own words; where and how it was built, which follows, left out.</summary>
    public string Library
    {
        get
        {
            var text = stackalloc byte[8192]; // MPI_MAX_LIBRARY_VERSION_STRING of MPICH, the longer one
            int length;
            Check(_mpi.LibraryVersion(text, &length), "MPI_Get_library_version");
            return Encoding.UTF8.GetString(text, length).Split('\n', ',', '\0')[0].Replace('\t', ' ').Trim();
        }
    }

    protected override Device Home => CPU;

    /// <summary>Elements in one message: MPI counts in ints.</summary>
    internal int Piece { get; set; } = 1 << 30;

    /// <summary>Joins the other processes; waits until all are there.</summary>
    /// <exception cref="CollectivesException">The library can't be loaded, or belongs to another launcher; or this process has joined MPI
    /// before.</exception>
    public static MpiGroup Join(Launch launch)
    {
        lock (s_calls)
        {
            if (s_joined)
                throw CollectivesException.JoinedBefore();
            var mpi = MpiLibrary.Load(launch);
            int provided = MpiLibrary.Serialized,
                initialized;
            Check(mpi.Initialized(&initialized), "MPI_Initialized");
            if (initialized == 0)
                Check(mpi.InitThread(null, null, MpiLibrary.Serialized, &provided), "MPI_Init_thread");
            s_joined = true;
            var group = new MpiGroup(mpi);
            AppDomain.CurrentDomain.ProcessExit += (_, _) => group.AbortUnlessLeft();
            try
            {
                if (provided < MpiLibrary.Serialized)
                    throw CollectivesException.TooFewThreads(provided);
                if (group.WorldSize != launch.Size)
                    throw CollectivesException.NotTogether(launch, group.WorldSize);
            }
            catch
            {
                group.Fail();
                throw;
            }
            return group;
        }
    }

    public override IReadOnlyList<byte[]> AllGather(byte[] bytes)
    {
        var gathered = new long[_size];
        long own = bytes.LongLength;
        lock (s_calls)
        {
            fixed (long* all = gathered)
                Check(_mpi.AllGather((nint)(&own), 1, _mpi.Int64, (nint)all, 1, _mpi.Int64, _mpi.World), "MPI_Allgather");
            byte[][] result = [.. gathered.Select(length => new byte[length])];
            var step = Math.Max(1, Piece / _size);
            for (long offset = 0; offset < gathered.Max(); offset += step)
                GatherPart(bytes, result, offset, step);
            return result;
        }
    }

    public override void Barrier()
    {
        lock (s_calls)
            Check(_mpi.Barrier(_mpi.World), "MPI_Barrier");
    }

    public override void Fail() => _failed = true;

    byte[] IMeetingPoint.FromRankZero(byte[] bytes)
    {
        fixed (byte* data = bytes)
            Broadcast((nint)data, bytes.Length);
        return bytes;
    }

    protected override void Reduce(nint data, long count, ScalarType type)
    {
        var (kind, size) = _mpi.Kind(type);
        lock (s_calls)
        {
            for (long done = 0; done < count; done += Piece)
                Check(
                    _mpi.AllReduce(
                        _mpi.InPlace,
                        data + (nint)(done * size),
                        (int)Math.Min(Piece, count - done),
                        kind,
                        _mpi.Sum,
                        _mpi.World
                    ),
                    "MPI_Allreduce"
                );
        }
    }

    protected override void Broadcast(nint data, long bytes)
    {
        lock (s_calls)
        {
            for (long done = 0; done < bytes; done += Piece)
                Check(_mpi.Broadcast(data + (nint)done, (int)Math.Min(Piece, bytes - done), _mpi.Byte, 0, _mpi.World), "MPI_Bcast");
        }
    }

    protected override Action BeginReduce(nint data, long count, ScalarType type) => _requests.Reduce(data, count, type, Piece);

    protected override Action BeginSend(nint data, long bytes, int rank) => _requests.Send(data, bytes, rank, Piece);

    protected override void Receive(nint data, long bytes, int rank) => _requests.Receive(data, bytes, rank, Piece);

    protected override void Dispose(bool disposing)
    {
        if (!disposing || _left || _failed)
            return;
        _left = true;
        lock (s_calls)
            Check(_mpi.Finalize(), "MPI_Finalize"); // waits for the others
    }

    // From every process at most step bytes, from an offset on.
    private void GatherPart(byte[] bytes, byte[][] result, long offset, int step)
    {
        int[] counts = [.. result.Select(part => (int)Math.Clamp(part.LongLength - offset, 0, step))];
        var begins = new int[_size];
        for (var rank = 1; rank < _size; rank++)
            begins[rank] = begins[rank - 1] + counts[rank - 1];
        var received = new byte[counts.Sum()];
        fixed (
            byte* own = bytes,
                all = received
        )
        fixed (
            int* c = counts,
                b = begins
        )
        {
            var from = (nint)own + (nint)Math.Min(offset, bytes.LongLength);
            Check(_mpi.AllGatherDifferent(from, counts[_rank], _mpi.Byte, (nint)all, c, b, _mpi.Byte, _mpi.World), "MPI_Allgatherv");
        }
        for (var rank = 0; rank < _size; rank++)
            received.AsSpan(begins[rank], counts[rank]).CopyTo(result[rank].AsSpan((int)Math.Min(offset, result[rank].LongLength)));
    }

    // A process that ends in the middle leaves the others waiting: MPI ends them.
    private void AbortUnlessLeft()
    {
        if (_left)
            return;
        Console.Out.Flush();
        Console.Error.Flush();
        _ = _mpi.Abort(_mpi.World, 1);
    }

    private static void Check(int code, string call)
    {
        if (code != 0)
            throw new CollectivesException($"{call} failed with MPI's error {code}.");
    }
}
