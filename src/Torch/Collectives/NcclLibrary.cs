using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tessera.Torch;

/// <summary>The C interface of NCCL 2, and of the CUDA driver what chooses a device for the calling thread.</summary>
/// <remarks>NVIDIA, "NCCL API", header nccl.h; "CUDA Driver API". Result 0 is success in both.</remarks>
internal sealed unsafe class NcclLibrary
{
    public const int Sum = 0; // ncclRedOp_t

    // ncclDataType_t
    public const int Byte = 1,
        Int64 = 4,
        Float32 = 7,
        Float64 = 8;

    public readonly delegate* unmanaged<UniqueId*, int> GetUniqueId;
    public readonly delegate* unmanaged<nint*, int, UniqueId, int, int> CommInitRank;
    public readonly delegate* unmanaged<nint, int> CommDestroy;
    public readonly delegate* unmanaged<nint, int> CommAbort;

    /// <summary>Source, target, elements, type, operation, communicator, stream.</summary>
    public readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> AllReduce;

    /// <summary>Source, target, elements, type, root, communicator, stream.</summary>
    public readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> Broadcast;

    /// <summary>Source, target, elements of each process, type, communicator, stream.</summary>
    public readonly delegate* unmanaged<nint, nint, nuint, int, nint, nint, int> AllGather;

    /// <summary>Source, elements, type, target, communicator, stream.</summary>
    public readonly delegate* unmanaged<nint, nuint, int, int, nint, nint, int> Send;

    /// <summary>Target, elements, type, source, communicator, stream.</summary>
    public readonly delegate* unmanaged<nint, nuint, int, int, nint, nint, int> Receive;

    private readonly delegate* unmanaged<int, byte*> _errorString;

    private NcclLibrary(nint library)
    {
        GetUniqueId = (delegate* unmanaged<UniqueId*, int>)Export("ncclGetUniqueId");
        CommInitRank = (delegate* unmanaged<nint*, int, UniqueId, int, int>)Export("ncclCommInitRank");
        CommDestroy = (delegate* unmanaged<nint, int>)Export("ncclCommDestroy");
        CommAbort = (delegate* unmanaged<nint, int>)Export("ncclCommAbort");
        AllReduce = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Export("ncclAllReduce");
        Broadcast = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Export("ncclBroadcast");
        AllGather = (delegate* unmanaged<nint, nint, nuint, int, nint, nint, int>)Export("ncclAllGather");
        Send = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)Export("ncclSend");
        Receive = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)Export("ncclRecv");
        _errorString = (delegate* unmanaged<int, byte*>)Export("ncclGetErrorString");

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>What names a group of processes; rank 0 makes it. Passed by value.</summary>
    [InlineArray(Bytes)]
    public struct UniqueId
    {
        public const int Bytes = 128; // NCCL_UNIQUE_ID_BYTES

        private byte _first;
    }

    /// <exception cref="CollectivesException">It can't be loaded.</exception>
    public static NcclLibrary Load()
    {
        try
        {
            return new NcclLibrary(NativeLibrary.Load("libnccl.so.2"));
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            throw CollectivesException.NoNccl(Loading.LibTorchException.FirstLine(e.Message));
        }
    }

    /// <summary>Makes a device the calling thread's, as NCCL wants it when processes meet: the device's primary context, which libtorch
    /// uses as well.</summary>
    public static void UseDevice(int index)
    {
        var driver = NativeLibrary.Load("libcuda.so.1");
        int device;
        nint context;
        Require(((delegate* unmanaged<uint, int>)NativeLibrary.GetExport(driver, "cuInit"))(0), "cuInit");
        Require(((delegate* unmanaged<int*, int, int>)NativeLibrary.GetExport(driver, "cuDeviceGet"))(&device, index), "cuDeviceGet");
        Require(
            ((delegate* unmanaged<nint*, int, int>)NativeLibrary.GetExport(driver, "cuDevicePrimaryCtxRetain"))(&context, device),
            "cuDevicePrimaryCtxRetain"
        );
        Require(((delegate* unmanaged<nint, int>)NativeLibrary.GetExport(driver, "cuCtxSetCurrent"))(context), "cuCtxSetCurrent");

        static void Require(int code, string call)
        {
            if (code != 0)
                throw new CollectivesException($"The CUDA driver's {call} failed with error {code}.");
        }
    }

    public void Check(int code, string call)
    {
        if (code != 0)
            throw new CollectivesException(
                $"{call} failed: {Marshal.PtrToStringUTF8((nint)_errorString(code))}. NCCL_DEBUG=INFO makes NCCL say more."
            );
    }
}
