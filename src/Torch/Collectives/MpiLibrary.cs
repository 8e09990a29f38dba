using System.Runtime.InteropServices;
using Tessera.Torch.Loading;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>The C interface of an MPI library, in the two binary forms in use.</summary>
/// <remarks>
/// Standard: "MPI: A Message-Passing Interface Standard", version 3.1, MPI Forum 2015. Handles: Open MPI's are addresses of objects that
/// its library exports;
/// MPICH's are integers, the same in all libraries of the MPICH ABI Compatibility Initiative (MPICH, Intel MPI, MVAPICH, Cray MPI).
/// </remarks>
internal sealed unsafe partial class MpiLibrary
{
    /// <summary>Threads call one at a time (MPI_THREAD_SERIALIZED): backward may run on a thread of libtorch's, and what was begun is
    /// seen to by a thread of its own.</summary>
    public const int Serialized = 2;

    private MpiLibrary(nint library, bool open)
    {
        (World, Byte, Float, Double, Int64, Sum, InPlace, NoStatus) = open
            ? (
                Export("ompi_mpi_comm_world"),
                Export("ompi_mpi_byte"),
                Export("ompi_mpi_float"),
                Export("ompi_mpi_double"),
                Export("ompi_mpi_long_long_int"),
                Export("ompi_mpi_op_sum"),
                1,
                0
            )
            : (0x44000000, 0x4c00010d, 0x4c00040a, 0x4c00080b, 0x4c000809, 0x58000003, -1, 1);
        InitThread = (delegate* unmanaged<int*, byte***, int, int*, int>)Export("MPI_Init_thread");
        Initialized = (delegate* unmanaged<int*, int>)Export("MPI_Initialized");
        Finalize = (delegate* unmanaged<int>)Export("MPI_Finalize");
        Abort = (delegate* unmanaged<nint, int, int>)Export("MPI_Abort");
        CommRank = (delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_rank");
        CommSize = (delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_size");
        AllReduce = (delegate* unmanaged<nint, nint, int, nint, nint, nint, int>)Export("MPI_Allreduce");
        Broadcast = (delegate* unmanaged<nint, int, nint, int, nint, int>)Export("MPI_Bcast");
        AllGather = (delegate* unmanaged<nint, int, nint, nint, int, nint, nint, int>)Export("MPI_Allgather");
        AllGatherDifferent = (delegate* unmanaged<nint, int, nint, nint, int*, int*, nint, nint, int>)Export("MPI_Allgatherv");
        Barrier = (delegate* unmanaged<nint, int>)Export("MPI_Barrier");
        CommDuplicate = (delegate* unmanaged<nint, nint*, int>)Export("MPI_Comm_dup");
        BeginAllReduce = (delegate* unmanaged<nint, nint, int, nint, nint, nint, nint*, int>)Export("MPI_Iallreduce");
        BeginSend = (delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int>)Export("MPI_Isend");
        Receive = (delegate* unmanaged<nint, int, nint, int, int, nint, nint, int>)Export("MPI_Recv");
        Test = (delegate* unmanaged<nint*, int*, nint, int>)Export("MPI_Test");
        Wait = (delegate* unmanaged<nint*, nint, int>)Export("MPI_Wait");
        LibraryVersion = (delegate* unmanaged<byte*, int*, int>)Export("MPI_Get_library_version");

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    // Handles; in MPICH's form ints, of which the callee reads the lower half.
    public readonly nint World,
        Byte,
        Float,
        Double,
        Int64,
        Sum,
        InPlace,
        NoStatus;

    public readonly delegate* unmanaged<int*, byte***, int, int*, int> InitThread;
    public readonly delegate* unmanaged<int*, int> Initialized;
    public readonly delegate* unmanaged<int> Finalize;
    public readonly delegate* unmanaged<nint, int, int> Abort;
    public readonly delegate* unmanaged<nint, int*, int> CommRank;
    public readonly delegate* unmanaged<nint, int*, int> CommSize;
    public readonly delegate* unmanaged<nint, nint, int, nint, nint, nint, int> AllReduce;
    public readonly delegate* unmanaged<nint, int, nint, int, nint, int> Broadcast;
    public readonly delegate* unmanaged<nint, int, nint, nint, int, nint, nint, int> AllGather;
    public readonly delegate* unmanaged<nint, int, nint, nint, int*, int*, nint, nint, int> AllGatherDifferent;
    public readonly delegate* unmanaged<nint, int> Barrier;
    public readonly delegate* unmanaged<nint, nint*, int> CommDuplicate;
    public readonly delegate* unmanaged<nint, nint, int, nint, nint, nint, nint*, int> BeginAllReduce;

    /// <summary>Data, count, type, target, tag, communicator, request.</summary>
    public readonly delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int> BeginSend;

    /// <summary>Data, count, type, source, tag, communicator, status.</summary>
    public readonly delegate* unmanaged<nint, int, nint, int, int, nint, nint, int> Receive;
    public readonly delegate* unmanaged<nint*, int*, nint, int> Test;
    public readonly delegate* unmanaged<nint*, nint, int> Wait;
    public readonly delegate* unmanaged<byte*, int*, int> LibraryVersion;

    /// <summary>What numbers are summed as, and the bytes of each.</summary>
    /// <param name="type">Float32, Float64 or Int64.</param>
    public (nint Kind, int Bytes) Kind(ScalarType type) =>
        type switch
        {
            ScalarType.Float32 => (Float, 4),
            ScalarType.Float64 => (Double, 8),
            _ => (Int64, 8),
        };

    /// <summary>The library of the launcher that started this process.</summary>
    /// <exception cref="CollectivesException">It can't be loaded.</exception>
    public static MpiLibrary Load(Launch launch)
    {
        var candidates = Candidates(launch);
        // UCX, over which both MPIs may send, would take the signal by which .NET notices null references.
        if (Environment.GetEnvironmentVariable("UCX_ERROR_SIGNALS") is null)
            ProcessSettings.Set("UCX_ERROR_SIGNALS", "");
        var reasons = new List<string>();
        foreach (var (name, open) in candidates)
        {
            try
            {
                return new MpiLibrary(LoadGlobally(name), open);
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
            {
                reasons.Add(LibTorchException.FirstLine(e.Message));
            }
        }
        throw CollectivesException.NoMpi(launch, [.. candidates.Select(candidate => candidate.Name)], string.Join("; ", reasons));
    }

    private static (string Name, bool Open)[] Candidates(Launch launch)
    {
        if (OperatingSystem.IsWindows())
            throw new CollectivesException("Several processes by MPI work on Linux and macOS alone.");
        (string, bool)[] open = [(OperatingSystem.IsMacOS() ? "libmpi.40.dylib" : "libmpi.so.40", true)];
        (string, bool)[] mpich = OperatingSystem.IsMacOS()
            ? [("libmpi.12.dylib", false)]
            : [("libmpi.so.12", false), ("libmpich.so.12", false)]; // Debian's name is the second
        return launch.Kind switch
        {
            LaunchKind.OpenMpi => open,
            LaunchKind.Mpich => mpich,
            _ => [.. open, .. mpich],
        };
    }

    /// <summary>With its symbols for all: Open MPI's own plug-ins look them up.</summary>
    private static nint LoadGlobally(string name)
    {
        const int now = 2;
        var global = OperatingSystem.IsMacOS() ? 8 : 0x100;
        var library = OpenLibrary(name, now | global);
        return library != 0 ? library : NativeLibrary.Load(name); // which says why not, in words
    }

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint OpenLibrary(string name, int flags);
}
