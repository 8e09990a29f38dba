using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>Processes with a GPU each, over NVIDIA's NCCL.</summary>
/// <remarks>
/// Its calls go into CUDA's default stream, where libtorch's own work is: they run after what was asked for before them and before what
/// comes after, so
/// nothing waits for the device but reading a value. Written by NCCL's documentation; untried, for want of a machine with several GPUs.
/// </remarks>
public sealed unsafe class NcclGroup : ProcessGroup
{
    private const nint DefaultStream = 0;

    private readonly NcclLibrary _nccl;
    private readonly IMeetingPoint _meeting;
    private readonly Device _device;
    private nint _communicator;
    private bool _failed;

    private NcclGroup(NcclLibrary nccl, IMeetingPoint meeting, Device device, nint communicator) =>
        (_nccl, _meeting, _device, _communicator) = (nccl, meeting, device, communicator);

    public override int Rank => _meeting.Rank;
    public override int WorldSize => _meeting.WorldSize;

    protected override Device Home => _device;

    /// <summary>The processes of an MPI launcher. The group owns MPI's from now on.</summary>
    /// <param name="device">This process's GPU, no other process's.</param>
    /// <exception cref="CollectivesException">NCCL can't be loaded, or refuses.</exception>
    public static NcclGroup Join(MpiGroup mpi, Device device) => Join(() => mpi, device);

    /// <summary>Processes that meet at an address where rank 0 listens.</summary>
    /// <param name="limit">How long to wait for all of them.</param>
    /// <exception cref="CollectivesException">They don't meet; or NCCL can't be loaded, or refuses.</exception>
    public static NcclGroup Join(string host, int port, int rank, int worldSize, Device device, TimeSpan limit) =>
        Join(() => Rendezvous.Join(host, port, rank, worldSize, limit, Rendezvous.EndWith), device);

    public override IReadOnlyList<byte[]> AllGather(byte[] bytes)
    {
        using var nothing = no_grad();
        using var scope = NewDisposeScope();
        var lengths = zeros(WorldSize, ScalarType.Int64, _device);
        Gather(tensor([bytes.LongLength], ScalarType.Int64, _device), lengths, 1, NcclLibrary.Int64);
        var all = lengths.Values<long>();
        var longest = all.Max();
        if (longest == 0)
            return [.. all.Select(_ => Array.Empty<byte>())];

        var own = zeros(longest, ScalarType.Byte, _device);
        if (bytes.Length > 0)
            own.narrow(0, 0, bytes.LongLength).copy_(tensor(bytes));
        var gathered = zeros([WorldSize, longest], ScalarType.Byte, _device);
        Gather(own, gathered, longest, NcclLibrary.Byte);
        return [.. all.Select((length, rank) => gathered[rank].narrow(0, 0, length).Values<byte>())];
    }

    public override void Barrier()
    {
        using var scope = NewDisposeScope();
        var one = ones(1, ScalarType.Float32, _device);
        AllReduceSum(one);
        _ = one.item<float>();
    }

    public override void Fail()
    {
        _failed = true;
        _meeting.Fail();
    }

    protected override void Reduce(nint data, long count, ScalarType type)
    {
        var kind = type switch
        {
            ScalarType.Float32 => NcclLibrary.Float32,
            ScalarType.Float64 => NcclLibrary.Float64,
            _ => NcclLibrary.Int64,
        };
        _nccl.Check(_nccl.AllReduce(data, data, (nuint)count, kind, NcclLibrary.Sum, _communicator, DefaultStream), "ncclAllReduce");
    }

    protected override void Broadcast(nint data, long bytes) =>
        _nccl.Check(_nccl.Broadcast(data, data, (nuint)bytes, NcclLibrary.Byte, 0, _communicator, DefaultStream), "ncclBroadcast");

    // A call in the device's queue: what is asked for after it comes after it, so that the memory may be changed at once.
    protected override Action BeginSend(nint data, long bytes, int rank)
    {
        _nccl.Check(_nccl.Send(data, (nuint)bytes, NcclLibrary.Byte, rank, _communicator, DefaultStream), "ncclSend");
        return () => { };
    }

    protected override void Receive(nint data, long bytes, int rank) =>
        _nccl.Check(_nccl.Receive(data, (nuint)bytes, NcclLibrary.Byte, rank, _communicator, DefaultStream), "ncclRecv");

    protected override void Dispose(bool disposing)
    {
        if (!disposing || _communicator == 0)
            return;
        var communicator = _communicator;
        _communicator = 0;
        if (_failed)
        {
            _ = _nccl.CommAbort(communicator);
        }
        else
        {
            cuda.synchronize(_device);
            _ = _nccl.CommDestroy(communicator);
        }
        _meeting.Dispose();
    }

    private static NcclGroup Join(Func<IMeetingPoint> meet, Device device)
    {
        var nccl = NcclLibrary.Load(); // before anyone is made to wait
        var meeting = meet();
        try
        {
            NcclLibrary.UseDevice(device.index);
            NcclLibrary.UniqueId id = default;
            if (meeting.Rank == 0)
                nccl.Check(nccl.GetUniqueId(&id), "ncclGetUniqueId");
            meeting.FromRankZero(((ReadOnlySpan<byte>)id).ToArray()).CopyTo((Span<byte>)id);
            nint communicator;
            nccl.Check(nccl.CommInitRank(&communicator, meeting.WorldSize, id, meeting.Rank), "ncclCommInitRank");
            return new NcclGroup(nccl, meeting, device, communicator);
        }
        catch
        {
            meeting.Fail();
            meeting.Dispose();
            throw;
        }
    }

    private void Gather(Tensor own, Tensor all, long count, int kind) =>
        _nccl.Check(_nccl.AllGather(Address(own), Address(all), (nuint)count, kind, _communicator, DefaultStream), "ncclAllGather");
}
