using Tessera.Framework.Models;
using Tessera.Models.Attention;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of a <see cref="VisionTransformer"/>.</summary>
internal static class VisionTransformerKeys
{
    private static readonly KeyMap _torchvision = new KeyTable("heads.head")
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
        .ToKeyMap();

    private static readonly KeyMap _mmlab = new KeyTable("head.layers.head", "backbone.")
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
        .ToKeyMap();

    // ViT and DeiT, whose second token is a register here; DINOv2's blocks have other names.
    private static readonly KeyMap _transformers = new KeyTable("classifier")
        .OrBelow("vit.", "deit.", "dinov2.", "dinov2_with_registers.")
        .Pass("pooler.", "embeddings.mask_token")
        .Pair("embeddings.cls_token", "cls_token")
        .Pair("embeddings.distillation_token", "reg_token")
        .Pair("embeddings.register_tokens", "reg_token")
        .Pair("embeddings.position_embeddings", "pos_embed")
        .Pair("embeddings.patch_embeddings.projection.", "patch_embed.proj.")
        .Join("encoder.layer.*.attention.attention.", ["query.", "key.", "value."], "blocks.*.attn.qkv.")
        .Pair("encoder.layer.*.attention.output.dense.", "blocks.*.attn.proj.")
        .Pair("encoder.layer.*.layernorm_before.", "blocks.*.norm1.")
        .Pair("encoder.layer.*.layernorm_after.", "blocks.*.norm2.")
        .Pair("encoder.layer.*.intermediate.dense.", "blocks.*.mlp.fc1.")
        .Pair("encoder.layer.*.output.dense.", "blocks.*.mlp.fc2.")
        .Pair("encoder.layer.*.layer_scale1.lambda1", "blocks.*.ls1.gamma")
        .Pair("encoder.layer.*.layer_scale2.lambda1", "blocks.*.ls2.gamma")
        .Pair("encoder.layer.*.mlp.weights_in.", "blocks.*.mlp.fc1.")
        .Pair("encoder.layer.*.mlp.weights_out.", "blocks.*.mlp.fc2.")
        .Pair("encoder.layer.*.", "blocks.*.")
        .Pair("layernorm.", "norm.")
        .ToKeyMap();

    public static IReadOnlyDictionary<string, KeyMap> Maps(VisionTransformerOptions options)
    {
        var maps = new Dictionary<string, KeyMap>
        {
            ["timm"] = Timm(options),
            ["torchvision"] = _torchvision,
            ["mmlab"] = _mmlab,
            ["dinov2"] = Dinov2(options),
            ["dinov3"] = Dinov3(options),
            ["eva02"] = Eva02(options),
            ["openai"] = OpenAi(),
        };
        if (options.QkvLayout == QkvLayout.Fused)
            maps["transformers"] = _transformers;
        return maps;
    }

    // timm's networks with rotary positions are of another class, which calls the factors of branches otherwise; so do DeiT III's authors.
    private static KeyMap Timm(VisionTransformerOptions options)
    {
        var table = new KeyTable("head");
        for (var i = 1; i <= 2; i++)
            if (options.Rotary is null)
                table.Older($"blocks.*.gamma_{i}", $"blocks.*.ls{i}.gamma");
            else
                table.Pair($"blocks.*.gamma_{i}", $"blocks.*.ls{i}.gamma");
        return table.Pass("mask_token", "rope.").ToKeyMap();
    }

    private static KeyMap Dinov2(VisionTransformerOptions options)
    {
        var table = new KeyTable("head").Pair("register_tokens", "reg_token");
        if (options.MlpType == MlpType.SwigluPacked)
            table.Pair("blocks.*.mlp.w12.", "blocks.*.mlp.fc1.").Pair("blocks.*.mlp.w3.", "blocks.*.mlp.fc2.");
        return table.Pass("mask_token").ToKeyMap();
    }

    // The bias of all three, of which the keys' is masked, goes to two tensors here; so the map only reads.
    private static KeyMap Dinov3(VisionTransformerOptions options)
    {
        var map = new KeyTable("head").Pass("mask_token", "rope_embed.", "local_cls_norm.").Pair("storage_tokens", "reg_token").ToKeyMap();
        return options is { QkvBias: true, QkvLayout: QkvLayout.NoKeyBias } ? QkvBiases.Split(map) : map;
    }

    private static KeyMap Eva02(VisionTransformerOptions options)
    {
        var table = new KeyTable("head")
            .Pair("blocks.*.mlp.ffn_ln.", "blocks.*.mlp.norm.")
            .Pair("blocks.*.attn.inner_attn_ln.", "blocks.*.attn.norm.");
        if (options.MlpType == MlpType.SwigluPacked)
            table.Pair("blocks.*.mlp.w12.", "blocks.*.mlp.fc1.");
        else
            table.Pair("blocks.*.mlp.w1.", "blocks.*.mlp.fc1_g.").Pair("blocks.*.mlp.w2.", "blocks.*.mlp.fc1_x.");
        if (options.MlpType != MlpType.Mlp)
            table.Pair("blocks.*.mlp.w3.", "blocks.*.mlp.fc2.");
        if (options.QkvLayout == QkvLayout.Separate)
            table.Pair("blocks.*.attn.q_bias", "blocks.*.attn.q_proj.bias").Pair("blocks.*.attn.v_bias", "blocks.*.attn.v_proj.bias");
        for (var i = 1; i <= 2; i++)
            table.Pair($"blocks.*.gamma_{i}", $"blocks.*.ls{i}.gamma");
        return table.Pass("mask_token", "rope.", "lm_head.").ToKeyMap();
    }

    // The image's half of a model of two; token and positions lack a first dimension, so the map only reads.
    private static KeyMap OpenAi()
    {
        const string Tower = "visual.";
        var table = new KeyTable(null, Tower)
            .Pair("class_embedding", "cls_token")
            .Pair("positional_embedding", "pos_embed")
            .Pair("conv1.", "patch_embed.proj.")
            .Pair("ln_pre.", "norm_pre.")
            .Pair("transformer.resblocks.*.ln_1.", "blocks.*.norm1.")
            .Pair("transformer.resblocks.*.ln_2.", "blocks.*.norm2.")
            .Pair("transformer.resblocks.*.attn.in_proj_", "blocks.*.attn.qkv.")
            .Pair("transformer.resblocks.*.attn.out_proj.", "blocks.*.attn.proj.")
            .Pair("transformer.resblocks.*.mlp.c_fc.", "blocks.*.mlp.fc1.")
            .Pair("transformer.resblocks.*.mlp.c_proj.", "blocks.*.mlp.fc2.")
            .Pair("ln_post.", "norm.")
            .ToKeyMap();
        return new KeyMap(key => InTower(key) ? table.Rename(key) : null)
        {
            Reshape = (key, stored) =>
                key switch
                {
                    "cls_token" when stored.dim() == 1 => stored.view(1, 1, -1),
                    "pos_embed" when stored.dim() == 2 => stored.unsqueeze(0),
                    _ => stored,
                },
            Computed = key => !InTower(key),
        };

        bool InTower(string key) => key.StartsWith(Tower, StringComparison.Ordinal) && key != "visual.proj";
    }
}
