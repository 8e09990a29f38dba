using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Tessera.Torch.Loading;

/// <summary>
/// Functions that libtorch exports and TorchSharp does not offer: plain C++ functions whose arguments are integers and addresses, called by
/// their
/// mangled names. A test asserts that each exists in the pinned version; where one is missing, its feature is off and says so.
/// </summary>
internal static class Exports
{
    private static readonly Lazy<nint> s_cpu = new(() => Loaded("torch_cpu")),
        s_core = new(() => Loaded("c10"));

    public const string ShowConfig = "_ZN2at11show_configB5cxx11Ev",
        HasAvx512Bf16 = "_ZN2at3cpu24is_avx512_bf16_supportedEv",
        HasAmxTiles = "_ZN2at3cpu21is_amx_tile_supportedEv",
        GetCpuAllocator = "_ZN3c1015GetCPUAllocatorEv",
        SetCpuAllocator = "_ZN3c1015SetCPUAllocatorEPNS_9AllocatorEh",
        SetAutocastEnabled = "_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb",
        IsAutocastEnabled = "_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE",
        SetAutocastType = "_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE",
        GetAutocastType = "_ZN2at8autocast18get_autocast_dtypeEN3c1010DeviceTypeE",
        AutocastDeeper = "_ZN2at8autocast17increment_nestingEv",
        AutocastShallower = "_ZN2at8autocast17decrement_nestingEv",
        ClearAutocastCache = "_ZN2at8autocast11clear_cacheEv",
        BumpVersion = "_ZN5torch8autograd4impl12bump_versionERKN2at6TensorE",
        TensorVersion = "_ZN2at4_ops8_version4callERKNS_6TensorE",
        GlobalContext = "_ZN2at13globalContextEv",
        EnableOneDnn = "_ZN2at7Context20setUserEnabledMkldnnEb",
        EnableNnpack = "_ZN2at7Context20setUserEnabledNNPACKEb",
        SetThreadsOfOpenMp = "omp_set_num_threads", // of the library that libtorch is bound to
        SetThreadsOfMkl = "MKL_Set_Num_Threads_Local";

    /// <summary>Every name in use.</summary>
    internal static readonly string[] All =
    [
        ShowConfig,
        HasAvx512Bf16,
        HasAmxTiles,
        GetCpuAllocator,
        SetCpuAllocator,
        SetAutocastEnabled,
        IsAutocastEnabled,
        SetAutocastType,
        GetAutocastType,
        AutocastDeeper,
        AutocastShallower,
        ClearAutocastCache,
        BumpVersion,
        TensorVersion,
        GlobalContext,
        EnableOneDnn,
        EnableNnpack,
        SetThreadsOfOpenMp,
        SetThreadsOfMkl,
        .. TraceFunctions.Names,
        .. WatchFunctions.Names,
    ];

    /// <summary>The function's address; 0 where this libtorch lacks it.</summary>
    public static nint Find(string name)
    {
        LibTorch.Load(); // asks for an export itself, so not within the lazy values
        foreach (var library in (Lazy<nint>[])[s_cpu, s_core])
            if (library.Value != 0 && NativeLibrary.TryGetExport(library.Value, name, out var address))
                return address;
        return 0;
    }

    /// <summary>TorchSharp's own native library; 0 where it isn't loaded.</summary>
    public static nint Binding() => LibTorch.Mended is not 0 and var mended ? mended : Loaded("LibTorchSharp");

    /// <summary>A library that TorchSharp has loaded, by its own path: another copy on the system's search path is another
    /// library.</summary>
    private static nint Loaded(string name)
    {
        foreach (ProcessModule module in Process.GetCurrentProcess().Modules)
            if (
                Path.GetFileNameWithoutExtension(module.FileName) is { } file
                && (file == name || file == "lib" + name)
                && NativeLibrary.TryLoad(module.FileName, out var library)
            )
                return library;
        return 0;
    }
}
