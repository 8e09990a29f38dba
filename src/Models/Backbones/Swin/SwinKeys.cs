using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of a <see cref="SwinBackbone"/>.</summary>
internal static class SwinKeys
{
    private static readonly string[] _buffers = ["relative_position_index", "relative_coords_table", "attn_mask"];

    /// <param name="last">The stage of the last map.</param>
    /// <param name="plain">Its norm is called "norm" here, as in a classifier; otherwise it takes what a classifier calls so.</param>
    public static IReadOnlyDictionary<string, KeyMap> Maps(int last, bool plain) =>
        new Dictionary<string, KeyMap>
        {
            ["microsoft"] = WithoutBuffers(Norm(new KeyTable("head"), plain ? null : last).ToKeyMap()),
            ["timm"] = WithoutBuffers(Timm(plain ? null : last)),
            ["mmlab"] = WithoutBuffers(Mmlab(last, plain)),
        };

    /// <param name="last">The stage of the last map.</param>
    /// <param name="plain">Its norm is called "norm" here, as in a classifier; otherwise it takes what a classifier calls so.</param>
    public static IReadOnlyDictionary<string, KeyMap> MapsOfV2(int last, bool plain) =>
        new Dictionary<string, KeyMap>
        {
            ["microsoft"] = WithoutBuffers(Norm(new KeyTable("head"), plain ? null : last).ToKeyMap()),
            ["timm"] = WithoutBuffers(Timm(plain ? null : last)),
            ["torchvision"] = WithoutBuffers(QkvBiases.Split(Torchvision(plain ? null : last))),
        };

    // Stem, stage, merging of patches, stage and so on lie in one sequence.
    private static KeyMap Torchvision(int? last)
    {
        var table = Norm(new KeyTable("head"), last).Pair("features.0.0.", "patch_embed.proj.").Pair("features.0.2.", "patch_embed.norm.");
        for (var stage = 0; stage < 8; stage++)
        {
            var (blocks, merge) = ((2 * stage) + 1, (2 * stage) + 2);
            table
                .Pair($"features.{blocks}.*.mlp.0.", $"layers.{stage}.blocks.*.mlp.fc1.")
                .Pair($"features.{blocks}.*.mlp.3.", $"layers.{stage}.blocks.*.mlp.fc2.")
                .Pair($"features.{blocks}.*.", $"layers.{stage}.blocks.*.")
                .Pair($"features.{merge}.", $"layers.{stage}.downsample.");
        }
        return table.ToKeyMap();
    }

    private static KeyTable Norm(KeyTable table, int? last) => last is { } stage ? table.Pair("norm.", $"norm{stage}.") : table;

    private static KeyMap WithoutBuffers(KeyMap map) =>
        map with
        {
            Rename = key => _buffers.Any(key.EndsWith) ? null : map.Rename(key),
            Computed = key => _buffers.Any(key.EndsWith) || map.Computed?.Invoke(key) == true,
        };

    // timm counts the merging of patches with the stage after it.
    private static KeyMap Timm(int? last)
    {
        var table = Norm(new KeyTable("head.fc"), last);
        for (var stage = 1; stage < 8; stage++)
            table.Pair($"layers.{stage}.downsample.", $"layers.{stage - 1}.downsample.");
        return table.ToKeyMap();
    }

    private static KeyMap Mmlab(int last, bool plain) =>
        new KeyTable("head.fc", "backbone.")
            .Pair("patch_embed.projection.", "patch_embed.proj.")
            .Pair("stages.*.blocks.*.attn.w_msa.", "layers.*.blocks.*.attn.")
            .Pair("stages.*.blocks.*.ffn.layers.0.0.", "layers.*.blocks.*.mlp.fc1.")
            .Pair("stages.*.blocks.*.ffn.layers.1.", "layers.*.blocks.*.mlp.fc2.")
            .Pair("stages.*.", "layers.*.")
            .Pair($"norm{last}.", plain ? "norm." : $"norm{last}.")
            .ToKeyMap() with
        {
            Reshape = Unfolded,
            PublishAs = key => key.Contains(".downsample.", StringComparison.Ordinal) ? PublishedForms.MergedPatches : null,
        };

    // MMLab takes the four tokens of a merged patch channel by channel, row by row; Swin token by token, column by column.
    private static Tensor Unfolded(string key, Tensor stored)
    {
        if (!key.Contains(".downsample.", StringComparison.Ordinal) || stored.shape[^1] % 4 != 0)
            return stored;
        using var scope = NewDisposeScope();
        var order = tensor(new long[] { 0, 2, 1, 3 }, device: stored.device);
        var channels = stored.shape[^1] / 4;
        var rows = stored.reshape(-1, channels, 4).transpose(1, 2).index_select(1, order); // [rows, token, channel]
        return scope.MoveToOuter(rows.reshape(stored.shape).clone());
    }
}
