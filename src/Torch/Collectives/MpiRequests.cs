using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>A call that MPI has begun: where its request lies.</summary>
internal sealed class MpiRequest(nint address)
{
    public nint Address { get; } = address;

    public bool IsDone { get; set; }
}

/// <summary>The calls that MPI has begun, and a thread that has it go on with them.</summary>
/// <remarks>MPI libraries work on what was begun only while they are called, be it by MPI_Test ("progress": the standard, 3.1, section
/// 3.7.4). The thread calls it every millisecond while there is something to do; it ends with the process.</remarks>
/// <param name="communicator">Used by nobody else, so that these calls need not come in one order with all others.</param>
/// <param name="calls">Held during every call of MPI.</param>
internal sealed unsafe class MpiRequests(MpiLibrary mpi, nint communicator, Lock calls)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(1);

    private readonly List<MpiRequest> _running = [];
    private readonly AutoResetEvent _begun = new(false);
    private Thread? _thread;

    /// <summary>Begins to sum over all processes, in place.</summary>
    /// <param name="piece">Elements in one message.</param>
    /// <returns>Waits for it.</returns>
    public Action Reduce(nint data, long count, ScalarType type, int piece)
    {
        var (kind, size) = mpi.Kind(type);
        return Begin(
            count,
            piece,
            (done, part, request) =>
                Check(
                    mpi.BeginAllReduce(mpi.InPlace, data + (nint)(done * size), part, kind, mpi.Sum, communicator, (nint*)request),
                    "MPI_Iallreduce"
                )
        );
    }

    /// <summary>Begins to send bytes to another process.</summary>
    /// <returns>Waits until the memory may be changed.</returns>
    public Action Send(nint data, long bytes, int rank, int piece) =>
        Begin(
            bytes,
            piece,
            (done, part, request) =>
                Check(mpi.BeginSend(data + (nint)done, part, mpi.Byte, rank, 0, communicator, (nint*)request), "MPI_Isend")
        );

    /// <summary>Waits for what another process sends.</summary>
    public void Receive(nint data, long bytes, int rank, int piece)
    {
        lock (calls)
        {
            for (long done = 0; done < bytes; done += piece)
                Check(
                    mpi.Receive(data + (nint)done, (int)Math.Min(piece, bytes - done), mpi.Byte, rank, 0, communicator, mpi.NoStatus),
                    "MPI_Recv"
                );
        }
    }

    /// <param name="begin">Gets an offset, a number of elements and where the request is to be written.</param>
    private Action Begin(long count, int piece, Action<long, int, nint> begin)
    {
        var requests = new List<MpiRequest>();
        lock (calls)
        {
            for (long done = 0; done < count; done += piece)
            {
                var (offset, part) = (done, (int)Math.Min(piece, count - done));
                requests.Add(Begin(request => begin(offset, part, request)));
            }
        }
        return () => requests.ForEach(Wait);
    }

    /// <param name="begin">Makes the call, which writes the request to the address that it gets. The caller holds the lock.</param>
    private MpiRequest Begin(Action<nint> begin)
    {
        var request = new MpiRequest((nint)NativeMemory.AllocZeroed((nuint)sizeof(nint)));
        try
        {
            begin(request.Address);
        }
        catch
        {
            NativeMemory.Free((void*)request.Address);
            throw;
        }
        _running.Add(request);
        if (_thread is null)
        {
            _thread = new Thread(GoOn) { IsBackground = true, Name = "MPI" };
            _thread.Start();
        }
        _begun.Set();
        return request;
    }

    private void Wait(MpiRequest request)
    {
        lock (calls)
        {
            if (request.IsDone)
                return;
            Check(mpi.Wait((nint*)request.Address, mpi.NoStatus), "MPI_Wait");
            End(request);
        }
    }

    private void GoOn()
    {
        while (true)
        {
            _begun.WaitOne();
            while (TestAll())
                Thread.Sleep(s_pause);
        }
    }

    /// <returns>Whether something still runs.</returns>
    private bool TestAll()
    {
        lock (calls)
        {
            foreach (var request in _running.ToArray())
            {
                int done;
                if (mpi.Test((nint*)request.Address, &done, mpi.NoStatus) != 0)
                    return false; // whoever waits for it hears of the error
                if (done != 0)
                    End(request);
            }
            return _running.Count > 0;
        }
    }

    private void End(MpiRequest request)
    {
        request.IsDone = true;
        _running.Remove(request);
        NativeMemory.Free((void*)request.Address);
    }

    private static void Check(int code, string call)
    {
        if (code != 0)
            throw new CollectivesException($"{call} failed with MPI's error {code}.");
    }
}
