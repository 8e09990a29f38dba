using static TorchSharp.torch;

namespace Tessera.Torch;

// What is begun and goes on by itself, and messages from one process to another.
public sealed unsafe partial class MpiGroup
{
    private readonly nint _apart; // a communicator of its own, so that these calls need not come in one order with all others
    private readonly MpiRequests _requests;

    protected override Action BeginReduce(nint data, long count, ScalarType type)
    {
        var (kind, size) = Kind(type);
        return Begin(
            count,
            (done, part, request) =>
                Check(
                    _mpi.BeginAllReduce(_mpi.InPlace, data + (nint)(done * size), part, kind, _mpi.Sum, _apart, (nint*)request),
                    "MPI_Iallreduce"
                )
        );
    }

    protected override Action BeginSend(nint data, long bytes, int rank) =>
        Begin(
            bytes,
            (done, part, request) =>
                Check(_mpi.BeginSend(data + (nint)done, part, _mpi.Byte, rank, 0, _apart, (nint*)request), "MPI_Isend")
        );

    protected override void Receive(nint data, long bytes, int rank)
    {
        lock (s_calls)
        {
            for (long done = 0; done < bytes; done += Piece)
                Check(
                    _mpi.Receive(data + (nint)done, (int)Math.Min(Piece, bytes - done), _mpi.Byte, rank, 0, _apart, _mpi.NoStatus),
                    "MPI_Recv"
                );
        }
    }

    private (nint Kind, int Bytes) Kind(ScalarType type) =>
        type switch
        {
            ScalarType.Float32 => (_mpi.Float, 4),
            ScalarType.Float64 => (_mpi.Double, 8),
            _ => (_mpi.Int64, 8),
        };

    /// <param name="begin">Gets an offset, a number of elements and where the request is to be written.</param>
    private Action Begin(long count, Action<long, int, nint> begin)
    {
        var requests = new List<MpiRequest>();
        lock (s_calls)
        {
            for (long done = 0; done < count; done += Piece)
            {
                var (offset, part) = (done, (int)Math.Min(Piece, count - done));
                requests.Add(_requests.Begin(request => begin(offset, part, request)));
            }
        }
        return () => requests.ForEach(_requests.Wait);
    }
}
