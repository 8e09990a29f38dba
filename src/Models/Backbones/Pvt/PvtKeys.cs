using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of the pyramid transformers.</summary>
internal static class PvtKeys
{
    /// <summary>Version 1: only its authors' names, which are ours.</summary>
    public static IReadOnlyDictionary<string, KeyMap> Maps { get; } = new Dictionary<string, KeyMap> { ["whai362"] = new KeyTable("head").ToKeyMap() };

    /// <summary>Version 2: its authors' names, which are ours, and timm's, which count stages from 0.</summary>
    public static IReadOnlyDictionary<string, KeyMap> MapsV2 { get; } = new Dictionary<string, KeyMap>
    {
        ["whai362"] = new KeyTable("head").ToKeyMap(),
        ["timm"] = Timm(),
    };

    private static KeyMap Timm()
    {
        var table = new KeyTable("head").Pair("patch_embed.", "patch_embed1.");
        for (var stage = 1; stage <= 4; stage++)
        {
            if (stage > 1) table.Pair($"stages.{stage - 1}.downsample.", $"patch_embed{stage}.");
            table.Pair($"stages.{stage - 1}.blocks.*.mlp.dwconv.", $"block{stage}.*.mlp.dwconv.dwconv.");
            table.Pair($"stages.{stage - 1}.blocks.*.", $"block{stage}.*.");
            table.Pair($"stages.{stage - 1}.norm.", $"norm{stage}.");
        }
        return table.ToKeyMap();
    }
}
