using System.Globalization;
using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of the pyramid transformers.</summary>
internal static class PvtKeys
{
    /// <summary>Version 1: its authors' names, which are ours, and MMDetection's.</summary>
    public static IReadOnlyDictionary<string, KeyMap> Maps { get; } =
        new Dictionary<string, KeyMap> { ["whai362"] = new KeyTable("head").ToKeyMap(), ["mmlab"] = Mmlab(positions: true) };

    /// <summary>Version 2: its authors' names, which are ours, timm's, which count stages from 0, and MMDetection's.</summary>
    public static IReadOnlyDictionary<string, KeyMap> MapsV2 { get; } =
        new Dictionary<string, KeyMap>
        {
            ["whai362"] = new KeyTable("head").ToKeyMap(),
            ["timm"] = Timm(),
            ["mmlab"] = Mmlab(positions: false),
        };

    /// <summary>SegFormer's encoder: its authors' names, which are ours, MMSegmentation's and transformers'.</summary>
    public static IReadOnlyDictionary<string, KeyMap> MapsMit { get; } =
        new Dictionary<string, KeyMap>
        {
            ["nvlabs"] = new KeyTable("head").ToKeyMap(),
            ["mmlab"] = Mmlab(positions: false),
            ["transformers"] = Transformers(),
        };

    /// <summary>
    /// MMDetection's and MMSegmentation's: a stage is a list of embedding, blocks and norm; queries, keys and values are one layer; the
    /// MLPs' layers are 1x1 convolutions. It only reads, since two of our tensors are one there.
    /// </summary>
    /// <param name="positions">The first of a stage's "blocks" is its positional embedding, as in version 1.</param>
    private static KeyMap Mmlab(bool positions)
    {
        const string fused = ".attn.attn.in_proj_";
        var (first, fc2) = positions ? (1, 3) : (0, 4);
        string? Rename(string key)
        {
            if (key.StartsWith("backbone.", StringComparison.Ordinal))
                key = key["backbone.".Length..];
            if (
                key.Split('.', 4) is not ["layers", var stageText, var part, var rest]
                || !int.TryParse(stageText, CultureInfo.InvariantCulture, out var stage)
            )
                return null;
            switch (part)
            {
                case "0":
                    return $"patch_embed{stage + 1}."
                        + (rest.StartsWith("projection.", StringComparison.Ordinal) ? "proj." + rest["projection.".Length..] : rest);
                case "2":
                    return $"norm{stage + 1}.{rest}";
                case "1" when positions && rest == "0.pos_embed":
                    return $"pos_embed{stage + 1}";
                case "1"
                    when rest.Split('.', 2) is [var blockText, var inner]
                        && int.TryParse(blockText, CultureInfo.InvariantCulture, out var block)
                        && block >= first:
                    return $"block{stage + 1}.{block - first}.{OfBlock(inner, fc2)}";
                default:
                    return null;
            }
        }
        return new KeyMap(Rename)
        {
            Classifier = "head.fc",
            RenameSecond = key =>
                key.Contains(fused, StringComparison.Ordinal)
                    ? Rename(key)?.Replace(".attn.q.", ".attn.kv.", StringComparison.Ordinal)
                    : null,
            Reshape = (key, stored) =>
                key.Contains(".attn.q.", StringComparison.Ordinal) ? stored.narrow(0, 0, stored.shape[0] / 3)
                : key.Contains(".attn.kv.", StringComparison.Ordinal)
                    ? stored.narrow(0, stored.shape[0] / 3, stored.shape[0] - (stored.shape[0] / 3))
                : key.Contains(".mlp.fc", StringComparison.Ordinal) && stored.dim() == 4 ? stored.flatten(1)
                : stored,
        };
    }

    /// <param name="fc2">The second layer's place in an MLP.</param>
    private static string OfBlock(string name, int fc2)
    {
        foreach (
            var (foreign, own) in new[]
            {
                ("attn.attn.in_proj_", "attn.q."),
                ("attn.attn.out_proj.", "attn.proj."),
                ("ffn.layers.0.", "mlp.fc1."),
                ($"ffn.layers.{fc2}.", "mlp.fc2."),
                ("ffn.layers.1.", "mlp.dwconv.dwconv."),
            }
        )
            if (name.StartsWith(foreign, StringComparison.Ordinal))
                return own + name[foreign.Length..];
        return name;
    }

    private static KeyMap Transformers()
    {
        var table = new KeyTable("classifier", "segformer.");
        for (var i = 0; i < 4; i++)
        {
            var (theirs, own) = ($"encoder.block.{i}.*.", $"block{i + 1}.*.");
            table
                .Pair($"encoder.patch_embeddings.{i}.proj.", $"patch_embed{i + 1}.proj.")
                .Pair($"encoder.patch_embeddings.{i}.layer_norm.", $"patch_embed{i + 1}.norm.")
                .Pair(theirs + "layer_norm_1.", own + "norm1.")
                .Pair(theirs + "attention.self.query.", own + "attn.q.")
                .Join(theirs + "attention.self.", ["key.", "value."], own + "attn.kv.")
                .Pair(theirs + "attention.self.sr.", own + "attn.sr.")
                .Pair(theirs + "attention.self.layer_norm.", own + "attn.norm.")
                .Pair(theirs + "attention.output.dense.", own + "attn.proj.")
                .Pair(theirs + "layer_norm_2.", own + "norm2.")
                .Pair(theirs + "mlp.dense", own + "mlp.fc") // 1 and 2
                .Pair(theirs + "mlp.dwconv.", own + "mlp.dwconv.")
                .Pair($"encoder.layer_norm.{i}.", $"norm{i + 1}.");
        }
        return table.ToKeyMap();
    }

    private static KeyMap Timm()
    {
        var table = new KeyTable("head").Pair("patch_embed.", "patch_embed1.");
        for (var stage = 1; stage <= 4; stage++)
        {
            if (stage > 1)
                table.Pair($"stages.{stage - 1}.downsample.", $"patch_embed{stage}.");
            table.Pair($"stages.{stage - 1}.blocks.*.mlp.dwconv.", $"block{stage}.*.mlp.dwconv.dwconv.");
            table.Pair($"stages.{stage - 1}.blocks.*.", $"block{stage}.*.");
            table.Pair($"stages.{stage - 1}.norm.", $"norm{stage}.");
        }
        return table.ToKeyMap();
    }
}
