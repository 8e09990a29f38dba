using Tessera.Framework.Components;
using Tessera.Framework.Models;
using Tessera.Models.Heads;
using Tessera.Models.Heads.Segmentation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>A config of every registered component, and of those variants that behave otherwise.</summary>
public static class ContractConfigs
{
    // Small or unusual forms, besides a component's defaults.
    private static readonly Dictionary<string, string[]> _variants = new()
    {
        ["VisionTransformer"] =
        [
            """{ "arch": "tiny", "image_size": 32, "patch_size": 8, "depth": 2 }""",
            """{ "embed_dim": 32, "depth": 3, "num_heads": 4, "mlp_ratio": 2, "image_size": [32, 48], "patch_size": 8, "features": "maps", "out_indices": [0, 2] }""",
            """{ "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 64, "patch_size": 8, "features": "maps", "out_indices": [1] }""",
            """{ "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 32, "patch_size": 8, "features": "maps", "out_indices": [1], "give_class_token": true, "position_antialias": false }""",
            """{ "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 16, "patch_size": 4, "features": "average", "class_token": false, "qkv_bias": false, "layer_scale": 0.1 }""",
            """{ "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8, "dropout": 0.1, "attention_dropout": 0.1, "drop_path": 0.1 }""",
            """{ "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 28, "patch_size": 14, "layer_scale": 0.1, "reg_tokens": 4, "position_tokens": "patches" }""",
            """{ "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8, "reg_tokens": 2, "position_tokens": "class", "pre_norm": true, "mlp_activation": "quick_gelu", "norm_eps": 1e-5 }""",
            """{ "embed_dim": 32, "depth": 3, "num_heads": 2, "image_size": 32, "patch_size": 8, "features": "maps", "out_indices": [0, 2], "rotary": {}, "absolute_positions": false, "reg_tokens": 3, "qkv_layout": "no_key_bias", "mlp_type": "swiglu_packed", "dropout": 0.1 }""",
            """{ "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8, "features": "average", "fc_norm": false, "rotary": { "coordinates": "patches", "pairs": "neighbours", "reference_grid": 4 }, "qkv_layout": "separate", "mlp_type": "swiglu", "mlp_norm": true }""",
            """{ "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8, "features": "attention_pool", "class_token": false }""",
        ],
        ["MctTransformer"] =
        [
            """{ "num_classes": 5, "embed_dim": 32, "depth": 3, "num_heads": 4, "mlp_ratio": 2, "image_size": 64, "patch_size": 16 }""",
            """{ "num_classes": 5, "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": [32, 48], "patch_size": 8, "dropout": 0.1, "attention_dropout": 0.1, "drop_path": 0.1, "position_offset": 0.1, "position_start": "sin_cos", "attention_start": "mimetic" }""",
        ],
        ["ResNet"] =
        [
            """{ "depth": 18, "base_channels": 8 }""",
            """{ "depth": 50, "base_channels": 8, "stage_blocks": [1, 2, 2, 1], "groups": 2, "base_width": 32, "stem": "deep", "avg_down": true, "output_stride": 8, "multi_grid": [2] }""",
            """{ "depth": 18, "base_channels": 8, "stem": "deep", "avg_down": true, "project_first": true, "out_indices": [1, 3] }""",
            """{ "depth": 18, "base_channels": 8, "stage_blocks": [1, 1, 1], "stem": "small", "stem_channels": 4, "out_indices": [1, 2] }""",
            """{ "depth": 50, "base_channels": 4, "stage_blocks": [1, 1, 2, 2], "base_width": 64, "strides": [1, 2, 1, 1], "dilations": [1, 1, 2, 4], "out_indices": [0, 3] }""",
        ],
        ["HRNet"] =
        [
            """{ "channels": 4, "layer1_channels": 4, "stem_channels": 8, "stage_modules": [1, 1, 2], "stage_blocks": [1, 1, 1, 1] }""",
            """{ "channels": 4, "layer1_channels": 1, "stem_channels": 8, "stage_modules": [2, 1, 1], "stage_blocks": [2, 1, 1, 1], "multi_scale_output": false, "upsample": "bilinear" }""",
            """{ "channels": 4, "layer1_channels": 4, "stem_channels": 8, "stage_modules": [1, 1, 1], "stage_blocks": [1, 1, 1, 1], "classification": true }""",
        ],
        ["T2TViT"] =
        [
            """{ "arch": 7, "embed_dim": 32, "depth": 2, "token_dim": 16, "image_size": 32, "drop_path": 0.1 }""",
            """{ "arch": 14, "embed_dim": 32, "depth": 2, "num_heads": 2, "token_dim": 16, "tokens": "transformer", "image_size": 64, "features": "average", "qkv_bias": true }""",
            """{ "arch": 24, "embed_dim": 32, "depth": 3, "token_dim": 8, "image_size": [48, 64], "features": "maps", "out_indices": [0, 2] }""",
            """{ "arch": 19, "embed_dim": 28, "depth": 3, "token_dim": 8, "tokens": "transformer", "features": "maps", "out_indices": [1], "dropout": 0.1, "attention_dropout": 0.1 }""",
        ],
        ["PixelContrastLoss"] =
        [
            "{}",
            """{ "sampling": "hardest_half", "positives": 3, "negatives": 5, "temperature": 0.5 }""",
            """{ "sampling": "semi_hard", "min_views": 2, "memory": { "size": 16, "samples": 0 } }""",
        ],
        ["PyramidVisionTransformer"] =
        [
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 2, 1], "mlp_ratios": [2, 2, 2, 2], "image_size": 64 }""",
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1], "image_size": 64, "features": "cls_token", "dropout": 0.1, "drop_path": 0.1 }""",
            """{ "embed_dims": [24, 24], "depths": [2, 1], "num_heads": [2, 2], "mlp_ratios": [2, 2], "sr_ratios": [1, 1], "patch_sizes": [5, 2], "patches": "merge", "features": "average", "attention": { "stage1": { "type": "LocalAttention", "layout": "grid", "reach": 2 }, "all": { "type": "StridedAttention", "block_size": 4 } } }""",
            """{ "embed_dims": [8, 16, 20], "depths": [1, 1, 1], "num_heads": [1, 2, 5], "mlp_ratios": [2, 2, 2], "sr_ratios": [1, 1, 1], "patch_sizes": [4, 1, 1], "pyramid": [4, 8, 16], "out_indices": [0, 2], "attention": { "stage2": { "type": "AtrousAttention", "rate": 3 }, "stage3": { "type": "LshAttention", "bucket_size": 16, "rounds": 2 } } }""",
        ],
        ["PyramidVisionTransformerV2"] =
        [
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 2, 1] }""",
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1], "linear": true, "out_indices": [1, 2] }""",
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1], "dropout": 0.1, "drop_path": 0.1, "attention": { "all": { "type": "NeighborhoodAttention", "kernel_size": 3 }, "stage4": { "type": "SparseAttention" } } }""",
        ],
        ["MixVisionTransformer"] =
        [
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 2, 1] }""",
            """{ "embed_dims": [8, 16], "depths": [1, 2], "num_heads": [2, 4], "mlp_ratios": [2, 2], "sr_ratios": [5, 3], "patch_sizes": [5, 2], "strides": [4, 2], "out_indices": [1], "qkv_bias": false }""",
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1], "dropout": 0.1, "drop_path": 0.1, "attention": { "stage1": { "type": "LinearAttention" }, "stage3": { "type": "WindowAttention", "window_size": 3 } } }""",
        ],
        ["UNet"] =
        [
            """{ "base_channels": 4 }""",
            """{ "base_channels": 4, "num_stages": 4, "strides": [1, 2, 1, 1], "downsamples": [true, false, true], "enc_num_convs": [1, 2, 3, 2], "dec_num_convs": [3, 1, 2], "enc_dilations": [1, 2, 1, 3], "dec_dilations": [2, 1, 1], "upsample": "deconv" }""",
            """{ "base_channels": 6, "num_stages": 2, "strides": [2, 1] }""",
        ],
        ["SwinTransformer"] =
        [
            """{ "embed_dim": 12, "depths": [2, 1, 2], "num_heads": [1, 2, 3], "window_size": 3, "out_indices": [0, 2] }""",
            """{ "embed_dim": 12, "depths": [2, 2], "num_heads": [1, 2], "window_size": 5, "out_indices": [1], "patch_norm": false, "qkv_bias": false, "dropout": 0.1, "drop_path": 0.1 }""",
            """{ "embed_dim": 12, "depths": [1, 2], "num_heads": [1, 2], "attention": { "stage1": { "type": "LinearAttention" }, "stage2": { "type": "SpatialReductionAttention", "ratio": 2 } } }""",
        ],
        ["SwinTransformerV2"] =
        [
            """{ "embed_dim": 12, "depths": [2, 1, 2], "num_heads": [1, 2, 3], "window_size": 3, "out_indices": [0, 2] }""",
            """{ "embed_dim": 12, "depths": [2, 2], "num_heads": [1, 2], "window_size": 5, "image_size": 32, "pretrained_window_sizes": [3, 3], "out_indices": [1], "patch_norm": false, "qkv_bias": false, "dropout": 0.1, "drop_path": 0.1, "window_padding": "masked" }""",
            """{ "embed_dim": 12, "depths": [1, 2], "num_heads": [1, 2], "attention": { "stage1": { "type": "LocalAttention" } } }""",
        ],
        ["CrossFormer"] =
        [
            """{ "embed_dim": 48, "depths": [2, 3, 4], "num_heads": [1, 2, 3], "group_sizes": [3, 3, 2], "intervals": [4, 2, 2], "cooling_layers": true, "out_indices": [0, 2] }""",
            """{ "embed_dim": 48, "depths": [2, 2], "num_heads": [2, 4], "group_sizes": [5, 4], "intervals": [2, 2], "patch_sizes": [2, 4], "merge_sizes": [2, 4, 6], "small_grid": "square", "patch_norm": false, "qkv_bias": false, "dropout": 0.1, "attention_dropout": 0.1, "drop_path": 0.1, "out_indices": [1] }""",
            """{ "embed_dim": 48, "depths": [2, 1, 1], "num_heads": [1, 2, 2], "attention": { "stage2": { "type": "WindowAttention", "window_size": 3 }, "all": { "type": "LongShortDistanceAttention", "group_size": 3, "interval": 2, "distance": "long" } } }""",
        ],
        ["CspDarknet"] =
        [
            """{ "deepen_factor": 0.33, "widen_factor": 0.125 }""",
            """{ "arch": "p6", "deepen_factor": 0.33, "widen_factor": 0.0625, "use_depthwise": true, "out_indices": [0, 1, 3, 5] }""",
            """{ "deepen_factor": 0.33, "widen_factor": 0.125, "out_indices": [2, 3], "norm_eps": 1e-5, "norm_momentum": 0.1 }""",
        ],
        ["CspNext"] =
        [
            """{ "deepen_factor": 0.167, "widen_factor": 0.125 }""",
            """{ "arch": "p6", "deepen_factor": 0.33, "widen_factor": 0.0625, "use_depthwise": true, "expand_ratio": 0.75, "out_indices": [0, 1, 3, 5] }""",
            """{ "deepen_factor": 0.33, "widen_factor": 0.125, "channel_attention": false, "out_indices": [2, 3] }""",
        ],
        ["ConvNeXt"] =
        [
            """{ "depths": [1, 1, 2, 1], "channels": [8, 12, 16, 24], "out_indices": [0, 1, 2, 3], "layer_scale_init_value": 0.1 }""",
            """{ "depths": [1, 2, 1], "channels": [8, 16, 24], "layer_scale_init_value": 0, "use_grn": true, "kernel_size": 5, "drop_path_rate": 0.1 }""",
            """{ "depths": [1, 1], "channels": [8, 12], "patch_size": 2, "out_indices": [1], "use_grn": true, "layer_scale_init_value": 0.5 }""",
        ],
        ["EfficientNet"] =
        [
            """{ "widen_factor": 0.25, "deepen_factor": 0.4, "drop_path_rate": 0.05, "out_indices": [1, 2, 3] }""",
            """{ "widen_factor": 0.25, "deepen_factor": 0.25, "same_padding": true, "output_stride": 8, "norm_eps": 1e-3 }""",
            """{ "widen_factor": 0.25, "deepen_factor": 0.1, "stem_stride": 1, "output_stride": 4, "contract_dilation": false, "out_indices": [0, 5] }""",
        ],
        ["EfficientNetV2"] =
        [
            """{ "widen_factor": 0.34, "deepen_factor": 0.2, "out_indices": [0, 2, 4] }""",
            """{ "arch": "m", "widen_factor": 0.34, "deepen_factor": 0.1, "same_padding": true, "drop_path_rate": 0.05, "out_indices": [0, 3] }""",
        ],
        ["MobileNetV2"] =
        [
            """{ "widen_factor": 0.25, "out_indices": [1, 2, 3, 4] }""",
            """{ "widen_factor": 0.25, "output_stride": 16, "drop_path_rate": 0.1, "same_padding": true }""",
        ],
        ["MobileNetV3"] =
        [
            """{ "widen_factor": 0.5, "out_indices": [0, 1, 2, 3, 4, 5] }""",
            """{ "arch": "large", "widen_factor": 0.5, "drop_path_rate": 0.1 }""",
            """{ "widen_factor": 0.5, "stem_stride": 1, "output_stride": 8, "contract_dilation": false }""",
        ],
        ["RegNet"] =
        [
            """{ "depth": 6, "w0": 8, "wa": 8, "wm": 2, "group_size": 4 }""",
            """{ "arch": "y002", "depth": 5, "w0": 16, "wa": 8, "wm": 1.5, "se_ratio": 1, "bottle_ratio": 0.5, "group_min_ratio": 0.9, "output_stride": 8, "out_indices": [0, 2], "drop_path_rate": 0.1 }""",
            """{ "depth": 4, "w0": 8, "wa": 8, "wm": 2, "group_size": 8, "stem_stride": 1, "se_ratio": 0.5, "output_stride": 4, "contract_dilation": false }""",
        ],
        ["DenseNet"] =
        [
            """{ "growth_rate": 4, "stage_layers": [1, 2, 2, 1] }""",
            """{ "growth_rate": 4, "stage_layers": [2, 1, 2], "stem": "small", "stem_channels": 6, "bottleneck_factor": 2, "drop_rate": 0.1, "out_indices": [1, 2] }""",
        ],
        ["Res2Net"] =
        [
            """{ "base_channels": 16, "stage_blocks": [1, 2, 1, 1] }""",
            """{ "base_channels": 16, "stage_blocks": [1, 1, 1], "scales": 2, "base_width": 48, "stem": "deep", "avg_down": true, "output_stride": 8, "out_indices": [1, 2] }""",
            """{ "base_channels": 32, "stage_blocks": [2, 1], "scales": 3, "base_width": 4, "groups": 4, "stem": "small" }""",
        ],
        ["CifarResNet"] = ["""{ "depth": 8 }""", """{ "depth": 14, "stage_channels": [8, 8, 24], "out_indices": [1] }"""],
    };

    public static TheoryData<string> Backbones() => Configs(typeof(Backbone));

    public static TheoryData<string> Losses() => Configs(typeof(Loss), where: config => !Build.From<Loss>(config).WantsEmbeddings);

    public static TheoryData<string> EmbeddingLosses() => Configs(typeof(Loss), where: config => Build.From<Loss>(config).WantsEmbeddings);

    /// <summary>Heads that give one vector an image; see SegmentationHeadTests for those that give maps.</summary>
    public static TheoryData<string> Heads() => Configs(typeof(LossHead), type => !type.IsSubclassOf(typeof(SegmentationHead)));

    private static TheoryData<string> Configs(Type kind, Func<Type, bool>? only = null, Func<string, bool>? where = null)
    {
        var data = new TheoryData<string>();
        foreach (
            var type in typeof(LinearHead)
                .Assembly.GetTypes()
                .Where(type => type.IsSubclassOf(kind) && !type.IsAbstract && only?.Invoke(type) != false)
        )
        {
            var name = type.GetCustomAttributes(typeof(ComponentAttribute), false).Cast<ComponentAttribute>().Single().Name;
            foreach (var variant in _variants.GetValueOrDefault(name) ?? ["{}"])
            {
                var config = variant == "{}" ? $$"""{ "type": "{{name}}" }""" : $$"""{ "type": "{{name}}", {{variant.Trim()[1..]}}""";
                if (where is null || where(config))
                    data.Add(config);
            }
        }
        return data;
    }
}
