using System.Globalization;
using System.Reflection;
using Tessera.Torch.Loading;
using Tessera.Torch.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>What computes here, for the log and for checkpoints: whoever repeats a run needs to know.</summary>
public static class TensorLibrary
{
    /// <summary>libtorch, BLAS, oneDNN, threads, processor and CUDA devices, by name in the order shown.</summary>
    public static IReadOnlyList<(string Name, string Value)> Describe()
    {
        LibTorch.Load();
        var lines = new List<(string, string)>
        {
            ("libtorch", LibTorchBuild.Version ?? "unknown"),
            (
                "TorchSharp",
                typeof(torch).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
                    ?? "unknown"
            ),
            ("BLAS", LibTorchBuild.Blas ?? "unknown"),
            ("oneDNN", LibTorchBuild.OneDnn ?? "unknown"),
            ("threads", Threads.Count.ToString(CultureInfo.InvariantCulture)),
            ("MKL_CBWR", Environment.GetEnvironmentVariable("MKL_CBWR") ?? "not set"),
            ("OMP_WAIT_POLICY", Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") ?? "not set"),
            (
                "CPU",
                $"{Processor.Name}, {LibTorchBuild.CpuCapability ?? Processor.Vectors}{(Processor.HasBfloat16 ? ", native bf16" : "")}"
            ),
        };
        if (Processor.Warning is { } warning)
            lines.Add(("CPU, note", warning));
        if (CacheSizes.Note is { } note)
            lines.Add(("oneDNN, note", note));
        if (LateScalars.Note is { } numbers)
            lines.Add(("numbers, note", numbers));
        var devices = cuda.is_available() ? cuda.device_count() : 0;
        lines.Add(
            (
                "CUDA devices",
                devices == 0 ? "none" : string.Join(", ", CudaDevices.Query("name") is { Count: > 0 } names ? names : [$"{devices}"])
            )
        );
        return lines;
    }
}
