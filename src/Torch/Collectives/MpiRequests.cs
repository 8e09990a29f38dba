using System.Runtime.InteropServices;

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
/// <param name="calls">Held during every call of MPI.</param>
internal sealed unsafe class MpiRequests(MpiLibrary mpi, Lock calls)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(1);

    private readonly List<MpiRequest> _running = [];
    private readonly AutoResetEvent _begun = new(false);
    private Thread? _thread;

    /// <param name="begin">Makes the call, which writes the request to the address that it gets. The caller holds the lock.</param>
    public MpiRequest Begin(Action<nint> begin)
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

    public void Wait(MpiRequest request)
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
