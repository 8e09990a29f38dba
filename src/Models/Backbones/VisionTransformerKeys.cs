using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of a <see cref="VisionTransformer"/>.</summary>
internal static class VisionTransformerKeys
{
    public static IReadOnlyDictionary<string, KeyMap> Maps { get; } =
        new Dictionary<string, KeyMap>
        {
            ["timm"] = new KeyTable("head").ToKeyMap(),
            ["torchvision"] = new KeyTable("heads.head")
                .Pair("class_token", "cls_token")
                .Pair("encoder.pos_embedding", "pos_embed")
                .Pair("conv_proj.", "patch_embed.proj.")
                .Pair("encoder.layers.encoder_layer_*.ln_1.", "blocks.*.norm1.")
                .Pair("encoder.layers.encoder_layer_*.self_attention.in_proj_", "blocks.*.attn.qkv.")
                .Pair("encoder.layers.encoder_layer_*.self_attention.out_proj.", "blocks.*.attn.proj.")
                .Pair("encoder.layers.encoder_layer_*.ln_2.", "blocks.*.norm2.")
                .Pair("encoder.layers.encoder_layer_*.mlp.0.", "blocks.*.mlp.fc1.")
                .Pair("encoder.layers.encoder_layer_*.mlp.3.", "blocks.*.mlp.fc2.")
                .Older("encoder.layers.encoder_layer_*.mlp.linear_1.", "blocks.*.mlp.fc1.")
                .Older("encoder.layers.encoder_layer_*.mlp.linear_2.", "blocks.*.mlp.fc2.")
                .Pair("encoder.ln.", "norm.")
                .ToKeyMap(),
            ["mmlab"] = new KeyTable("head.layers.head", "backbone.")
                .Pair("patch_embed.projection.", "patch_embed.proj.")
                .Pair("layers.*.ln1.", "blocks.*.norm1.")
                .Pair("layers.*.attn.qkv.", "blocks.*.attn.qkv.")
                .Pair("layers.*.attn.proj.", "blocks.*.attn.proj.")
                .Pair("layers.*.ln2.", "blocks.*.norm2.")
                .Pair("layers.*.ffn.layers.0.0.", "blocks.*.mlp.fc1.")
                .Pair("layers.*.ffn.layers.1.", "blocks.*.mlp.fc2.")
                .Older("layers.*.attn.attn.in_proj_", "blocks.*.attn.qkv.") // MMSegmentation's
                .Older("layers.*.attn.attn.out_proj.", "blocks.*.attn.proj.")
                .Pair("ln1.", "norm.")
                .Pair("ln2.", "fc_norm.")
                .Older("norm1.", "norm.")
                .ToKeyMap(),
        };
}
