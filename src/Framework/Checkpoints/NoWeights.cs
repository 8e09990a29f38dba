namespace Tessera.Framework.Checkpoints;

/// <summary>Tensors that scripts keep beside the weights and that are none.</summary>
internal static class NoWeights
{
    /// <summary>What counters of costs leave in every layer (thop's and ptflops').</summary>
    private static readonly string[] s_counters = ["total_ops", "total_params", "__flops__", "__params__"];

    /// <summary>Counters, scores and states of random numbers: a name without a dot, and hardly a value.</summary>
    public static bool Are(WeightInfo info, string name) =>
        name.LastIndexOf('.') is var dot && dot < 0
            ? info.Count <= 1 || (info.Type == ElementType.UInt8 && info.Shape.Count == 1)
            : info.Count <= 1 && s_counters.Contains(name[(dot + 1)..], StringComparer.Ordinal);

    /// <summary>mmcv keeps the trained weights beside the averaged ones as ema_backbone_conv1_weight.</summary>
    public static bool AreCopy(string name, Dictionary<string, string> names) =>
        name.StartsWith("ema_", StringComparison.Ordinal)
        && !name.Contains('.', StringComparison.Ordinal)
        && names.Values.Any(other => other.Length == name.Length - "ema_".Length && other.Replace('.', '_') == name["ema_".Length..]);

    /// <summary>The first word of names without a place, where none that has a place begins so; null where there is no such word.</summary>
    /// <param name="prefix">What stands before all of them.</param>
    public static string? SpareWord(IEnumerable<string> placed, IEnumerable<string> others, string prefix)
    {
        var used = placed.Select(First).ToHashSet(StringComparer.Ordinal);
        return others.Select(First).FirstOrDefault(word => word is not null && !used.Contains(word));

        string? First(string name)
        {
            var plain = Wrappers.Plain(name);
            var rest = plain.StartsWith(prefix, StringComparison.Ordinal) ? plain[prefix.Length..] : plain;
            return rest.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? rest[..dot] : null;
        }
    }
}
