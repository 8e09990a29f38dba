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
            ["transformers"] = WithoutBuffers(Transformers(plain ? "norm." : $"norm{last}.")),
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

    /// <param name="norm">What the last stage's norm is called here.</param>
    private static KeyMap Transformers(string norm) =>
        new KeyTable("classifier", "swin.")
            .Pair("embeddings.patch_embeddings.projection.", "patch_embed.proj.")
            .Pair("embeddings.norm.", "patch_embed.norm.")
            .Pair("encoder.layers.*.blocks.*.layernorm_before.", "layers.*.blocks.*.norm1.")
            .Join("encoder.layers.*.blocks.*.attention.self.", ["query.", "key.", "value."], "layers.*.blocks.*.attn.qkv.")
            .Pair("encoder.layers.*.blocks.*.attention.self.", "layers.*.blocks.*.attn.")
            .Pair("encoder.layers.*.blocks.*.attention.output.dense.", "layers.*.blocks.*.attn.proj.")
            .Pair("encoder.layers.*.blocks.*.layernorm_after.", "layers.*.blocks.*.norm2.")
            .Pair("encoder.layers.*.blocks.*.intermediate.dense.", "layers.*.blocks.*.mlp.fc1.")
            .Pair("encoder.layers.*.blocks.*.output.dense.", "layers.*.blocks.*.mlp.fc2.")
            .Pair("encoder.layers.*.downsample.", "layers.*.downsample.")
            .Pair("layernorm.", norm)
            .ToKeyMap();

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
