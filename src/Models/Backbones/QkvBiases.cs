using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones;

/// <summary>One bias of queries, keys and values, of which the keys' takes no part, read into the two that there are here.</summary>
internal static class QkvBiases
{
    private const string Joint = ".qkv.bias";

    /// <summary>The map, which then only reads.</summary>
    public static KeyMap Split(KeyMap map) =>
        map with
        {
            Rename = key => map.Rename(key) is { } own ? Part(own, "q_bias") ?? own : null,
            RenameSecond = key => map.Rename(key) is { } own ? Part(own, "v_bias") : null,
            Reshape = (key, stored) =>
                stored.dim() != 1 || stored.shape[0] % 3 != 0 ? stored
                : key.EndsWith(".q_bias", StringComparison.Ordinal) ? Third(stored, 0)
                : key.EndsWith(".v_bias", StringComparison.Ordinal) ? Third(stored, 2)
                : map.Reshape?.Invoke(key, stored) ?? stored,
            Computed = key => key.EndsWith(".qkv.bias_mask", StringComparison.Ordinal) || map.Computed?.Invoke(key) == true,
            Publish = null,
        };

    private static string? Part(string own, string name) =>
        own.EndsWith(Joint, StringComparison.Ordinal) ? own[..^Joint.Length] + "." + name : null;

    private static Tensor Third(Tensor stored, int index) => stored.narrow(0, index * stored.shape[0] / 3, stored.shape[0] / 3);
}
