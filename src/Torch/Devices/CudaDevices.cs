using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Tessera.Torch;

/// <summary>What the driver's own tool says of the CUDA devices; libtorch's C++ side gives no stable way to ask.</summary>
internal static class CudaDevices
{
    private static readonly Lazy<double> s_capability = new(() =>
        Query("compute_cap")
            .Select(text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : 0)
            .DefaultIfEmpty(0)
            .Min()
    );

    /// <summary>The lowest compute capability of all devices; 0 where it can't be told.</summary>
    public static double Capability => s_capability.Value;

    /// <summary>One property of every device, as nvidia-smi names it.</summary>
    public static IReadOnlyList<string> Query(string property)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo("nvidia-smi", $"--query-gpu={property} --format=csv,noheader")
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            );
            var lines = process!
                .StandardOutput.ReadToEnd()
                .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            process.WaitForExit();
            return process.ExitCode == 0 ? lines : [];
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            return [];
        }
    }
}
