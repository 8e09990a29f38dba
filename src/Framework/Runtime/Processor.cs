using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Tessera.Framework.Runtime;

/// <summary>What the processor can do, as far as the choice of precision and threads depends on it.</summary>
public static class Processor
{
    private static readonly Lazy<HashSet<string>> s_flags = new(() => [.. Field("flags", "Features").Split(' ')]);

    public static string Name => Field("model name", "CPU part") is { Length: > 0 } name ? name : RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>Dot products or matrix tiles in bfloat16.</summary>
    public static bool HasBfloat16 => s_flags.Value.Overlaps(["avx512_bf16", "amx_bf16", "bf16"]);

    /// <summary>Widest vectors, for the log.</summary>
    public static string Vectors => Avx512F.IsSupported ? "AVX512" : Avx2.IsSupported ? "AVX2" : "none named";

    /// <summary>Cores that this process may use; two threads of one core count once.</summary>
    public static int Cores
    {
        get
        {
            var logical = Environment.ProcessorCount;
            var siblings = Number("siblings");
            var cores = Number("cpu cores");
            return siblings > cores && cores > 0 ? Math.Max(1, logical * cores / siblings) : logical;
        }
    }

    private static int Number(string field) => int.TryParse(Field(field), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static string Field(params string[] names)
    {
        if (!File.Exists("/proc/cpuinfo")) return "";
        foreach (var line in File.ReadLines("/proc/cpuinfo"))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && names.Contains(line[..colon].Trim(), StringComparer.Ordinal)) return line[(colon + 1)..].Trim();
        }
        return "";
    }
}
