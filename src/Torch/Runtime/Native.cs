using System.Runtime.InteropServices;
using Tessera.Torch.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>What this libtorch is and how it runs in this process.</summary>
public static unsafe class Native
{
    /// <summary>
    /// Loads libtorch with these options. Without this call the first use of a tensor does it, with the defaults.
    /// </summary>
    /// <exception cref="InvalidOperationException">libtorch is loaded already.</exception>
    public static void Startup(StartupOptions options)
    {
        if (Loader.Loaded) throw new InvalidOperationException("libtorch is loaded already; Startup belongs before the first tensor.");
        Loader.Load(options);
    }

    /// <summary>Whether libtorch is loaded, so that it is too late for <see cref="Startup"/>.</summary>
    public static bool IsLoaded => Loader.Loaded;

    public static string Version => Marshal.PtrToStringUTF8((IntPtr)NativeMethods.tessera_version())!;

    /// <summary>libtorch's own account of its build and threads.</summary>
    public static string BuildInfo => Check.Text(NativeMethods.tessera_build_info());

    /// <summary>The vectors that libtorch's kernels use here: AVX512, AVX2 …</summary>
    public static string CpuCapability
    {
        get
        {
            const string label = "CPU capability usage:";
            foreach (var line in BuildInfo.Split('\n'))
                if (line.IndexOf(label, StringComparison.Ordinal) is >= 0 and var at)
                    return line[(at + label.Length)..].Trim();
            return "unknown";
        }
    }

    /// <summary>The BLAS library in use: a file, or "MKL", or "unknown".</summary>
    public static string Blas
    {
        get
        {
            if (NativeMethods.tessera_has_mkl() != 0) return "MKL";
            var path = Check.Text(NativeMethods.tessera_blas_path());
            if (path.Length > 0) return path;
            foreach (var line in File.ReadLines("/proc/self/maps"))
                if (line.Contains("blas", StringComparison.Ordinal) && line.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash)
                    return line[slash..];
            return "unknown";
        }
    }

    public static bool HasMkldnn => NativeMethods.tessera_has_mkldnn() != 0;

    /// <summary>Physical cores that this process may use.</summary>
    public static int PhysicalCores => ProcessSetup.PhysicalCores();

    public static int Threads
    {
        get => NativeMethods.tessera_threads();
        set => Check.Result(NativeMethods.tessera_set_threads(value));
    }

    /// <summary>Native tensors that managed code holds now, in all threads. Those that only libtorch holds (saved for a backward pass) aren't in it.</summary>
    public static long LiveTensors => Tensor.TotalCount;

    /// <summary>Whether bfloat16 products run natively on this processor (AVX512-BF16 or AMX, through oneDNN).</summary>
    public static bool SupportsBfloat16 { get; } = HasMkldnn && ProcessorHas("avx512_bf16", "amx_bf16", "bf16");

    private static bool ProcessorHas(params string[] features)
    {
        if (!File.Exists("/proc/cpuinfo")) return false;
        foreach (var line in File.ReadLines("/proc/cpuinfo"))
            if (line.StartsWith("flags", StringComparison.Ordinal) || line.StartsWith("Features", StringComparison.Ordinal))
                return Array.Exists(features, line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Contains);
        return false;
    }

    /// <summary>Gives the pages of freed large tensors on the CPU back to the system.</summary>
    public static void GiveBackMemory() => NativeMethods.tessera_give_back();

    /// <summary>Copies a tensor's memory layout to channels last (NHWC, or NDHWC for 5 dimensions); its shape stays.</summary>
    public static Tensor ToChannelsLast(Tensor tensor) => tensor.dim() switch
    {
        4 => Op.contiguous.Call(tensor, ChannelsLast2d),
        5 => Op.contiguous.Call(tensor, ChannelsLast3d),
        var dims => throw new ArgumentException($"Channels last is for 4 or 5 dimensions, not {dims}."),
    };

    public static bool IsChannelsLast(Tensor tensor) =>
        tensor.dim() is 4 or 5 && Check.Result(NativeMethods.tessera_tensor_is_contiguous(tensor.Handle, tensor.dim() == 4 ? ChannelsLast2d : ChannelsLast3d)) != 0;

    private const int ChannelsLast2d = 2, ChannelsLast3d = 3; // c10::MemoryFormat

    /// <summary>State of a device's default generator.</summary>
    public static byte[] GetRandomState(Device device)
    {
        using var generator = DefaultGenerator(device);
        using var state = generator.get_state();
        return state.bytes.ToArray();
    }

    public static void SetRandomState(Device device, byte[] state)
    {
        using var generator = DefaultGenerator(device);
        using var tensor = torch.tensor(state);
        generator.set_state(tensor);
    }

    private static Generator DefaultGenerator(Device device) =>
        Generator.DefaultOf(device.type, device.index);

    /// <summary>Whether two tensors look at the same memory.</summary>
    public static bool SharesStorage(Tensor a, Tensor b) => Check.Result(NativeMethods.tessera_tensor_shares_storage(a.Handle, b.Handle)) != 0;
}
