using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Tessera.Torch.Loading;

namespace Tessera.Torch;

/// <summary>What the processor can do, as far as the choice of precision and threads depends on it.</summary>
public static class Processor
{
    private static readonly Lazy<bool> s_bfloat16 = new(AskBfloat16);

    public static string Name =>
        Field("model name", "CPU part") is { Length: > 0 } name ? name : RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>Dot products or matrix tiles in bfloat16, by processor and operating system.</summary>
    public static bool HasBfloat16 => s_bfloat16.Value;

    /// <summary>Widest vectors, for the log.</summary>
    public static string Vectors =>
        Avx512F.IsSupported ? "AVX512"
        : Avx2.IsSupported ? "AVX2"
        : "none named";

    /// <summary>What a user should know of this processor before a long run; null where there is nothing to say.</summary>
    public static string? Warning => Judge(RuntimeInformation.ProcessArchitecture, Avx2.IsSupported);

    /// <summary>Cores that this process may use; two threads of one core count once.</summary>
    public static int Cores
    {
        get
        {
            var logical = Environment.ProcessorCount; // affinity and quota are in it
            var siblings = Number("siblings");
            var cores = Number("cpu cores");
            return siblings > cores && cores > 0 ? Math.Max(1, logical * cores / siblings) : logical;
        }
    }

    internal static string? Judge(Architecture architecture, bool avx2) =>
        architecture == Architecture.X64 && !avx2
            ? "this processor has no AVX2, so libtorch computes with 128-bit vectors: expect several times the time that is told of "
                + "other machines (in a virtual machine, let it pass the host's processor on)"
            : null;

    // libtorch's functions look at processor and operating system alike; the flags tell where they are missing (ARM).
    private static unsafe bool AskBfloat16()
    {
        foreach (var name in (string[])[Exports.HasAvx512Bf16, Exports.HasAmxTiles])
            if (Exports.Find(name) is not 0 and var function && ((delegate* unmanaged<byte>)function)() != 0)
                return true;
        return Field("flags", "Features").Split(' ').Any(flag => flag is "avx512_bf16" or "amx_bf16" or "bf16");
    }

    private static int Number(string field) =>
        int.TryParse(Field(field), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static string Field(params string[] names)
    {
        if (!File.Exists("/proc/cpuinfo"))
            return "";
        foreach (var line in File.ReadLines("/proc/cpuinfo"))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && names.Contains(line[..colon].Trim(), StringComparer.Ordinal))
                return line[(colon + 1)..].Trim();
        }
        return "";
    }
}
