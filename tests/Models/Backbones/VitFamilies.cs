namespace Tessera.Tests.Models.Backbones;

/// <summary>The words that make a <c>VisionTransformer</c> the network of a family, as docs/vision-transformers.md has them.</summary>
internal static class VitFamilies
{
    public const string Dinov2 = """ "patch_size": 14, "layer_scale": 1e-5 """;
    public const string Dinov2Registers = Dinov2 + """, "reg_tokens": 4, "position_tokens": "patches" """;
    public const string Dinov2Giant = Dinov2 + """, "mlp_type": "swiglu_packed", "mlp_ratio": 2.66667 """;
    public const string Dinov3 = """
        "patch_size": 16, "layer_scale": 1e-5, "reg_tokens": 4, "absolute_positions": false, "norm_eps": 1e-5, "qkv_bias": false,
        "rotary": { "coordinates": "normalized", "pairs": "halves", "base": 100 }
        """;
    public const string Deit3 = """ "patch_size": 16, "layer_scale": 1e-6, "position_tokens": "patches" """;
    public const string Eva02 = """
        "patch_size": 14, "features": "average", "mlp_type": "swiglu_packed", "mlp_ratio": 2.6666666666666665, "qkv_layout": "no_key_bias",
        "rotary": { "coordinates": "patches", "pairs": "neighbours", "reference_grid": 16 }
        """;
    public const string Eva02Base = """
        "patch_size": 14, "features": "average", "mlp_type": "swiglu", "mlp_norm": true, "mlp_ratio": 2.6666666666666665,
        "qkv_layout": "separate", "rotary": { "coordinates": "patches", "pairs": "neighbours", "reference_grid": 16 }
        """;
    public const string Siglip = """ "patch_size": 16, "class_token": false, "features": "attention_pool" """;
    public const string Clip = """ "patch_size": 16, "pre_norm": true, "norm_eps": 1e-5 """;
    public const string OpenAiClip = Clip + """, "mlp_activation": "quick_gelu" """;

    public static string Small(string family, string more) =>
        $$"""{ "type": "VisionTransformer", "embed_dim": 32, "depth": 2, "num_heads": 2, {{family}}, {{more}} }""";
}
