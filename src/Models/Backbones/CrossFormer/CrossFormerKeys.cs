using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of a <see cref="CrossFormer"/>.</summary>
internal static class CrossFormerKeys
{
    // Stored by some versions of the authors' code; they follow from the sizes.
    private static readonly string[] _buffers = [".attn.biases", ".attn.relative_position_index", ".attn_mask"];

    /// <param name="normed">Whether there is the norm after the last stage, which pyramids lack.</param>
    public static IReadOnlyDictionary<string, KeyMap> Maps(bool normed)
    {
        var map = new KeyTable("head").ToKeyMap();
        bool Computed(string key) => _buffers.Any(key.EndsWith);
        return new Dictionary<string, KeyMap>
        {
            ["cheerss"] = map with
            {
                Rename = key => Computed(key) || (!normed && key.StartsWith("norm.", StringComparison.Ordinal)) ? null : map.Rename(key),
                Computed = Computed,
            },
        };
    }
}
