using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Loading;

/// <summary>Small models of every kind, with their tasks.</summary>
internal static class RoundTripModels
{
    internal const string Resnet = """ "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4 } """;
    internal const string Stages =
        """ "backbone": { "type": "ResNet", "depth": 50, "base_channels": 4, "stage_blocks": [1, 1, 1, 1], "out_indices": [0, 1, 2, 3] } """;
    internal const string Fpn =
        """ "neck": { "type": "Fpn", "out_channels": 32, "start_level": 1, "num_outs": 5, "add_extra_convs": "on_output" } """;
    internal const string Fcn = """{ "type": "FcnHead", "channels": 6, "num_convs": 1, "concat_input": false }""";
    internal const string Mct =
        """ "backbone": { "type": "MctTransformer", "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8 } """;
    internal const string Mit =
        """ "backbone": { "type": "MixVisionTransformer", "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1] } """;
    internal const string Eomt =
        """{ "type": "Eomt", "num_queries": 5, "num_blocks": 2, "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 2, "image_size": 32, "patch_size": 8, "layer_scale": 1e-5 } }""";
    internal const string Linear = """ "head": { "type": "LinearHead" } """;

    internal static readonly Dictionary<string, (string Config, DataTask Task)> s_models = new()
    {
        ["ResNet"] = ($$"""{ "type": "ImageClassifier", {{Resnet}}, {{Linear}} }""", DataTask.Classification),
        ["ResNet without bias"] = (
            $$"""{ "type": "ImageClassifier", {{Resnet}}, "head": { "type": "LinearHead", "bias": false } }""",
            DataTask.Classification
        ),
        ["ResNet-D"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "ResNet", "depth": 50, "base_channels": 4, "stage_blocks": [1, 1, 1, 1], "stem": "deep", "avg_down": true }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["multi-label"] = ($$"""{ "type": "ImageClassifier", {{Resnet}}, {{Linear}} }""", DataTask.MultiLabel),
        ["CifarResNet"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "CifarResNet", "depth": 8, "stage_channels": [4, 8, 8] }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["HRNet"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "HRNet", "channels": 4, "layer1_channels": 4, "stem_channels": 8, "stage_modules": [1, 1, 1], "stage_blocks": [1, 1, 1, 1], "classification": true }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["VisionTransformer"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8 }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["T2TViT"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "T2TViT", "arch": 7, "embed_dim": 32, "depth": 2, "token_dim": 16, "image_size": 32 }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["T2TViT, full attention"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "T2TViT", "arch": 7, "embed_dim": 32, "depth": 2, "token_dim": 16, "tokens": "transformer", "image_size": 32 }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["PVT"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "PyramidVisionTransformer", "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1], "mlp_ratios": [2, 2, 2, 2], "image_size": 64, "features": "cls_token" }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["PVT v2"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "PyramidVisionTransformerV2", "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1] }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["Swin"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "SwinTransformer", "embed_dim": 12, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 3, 4], "window_size": 3 }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["Swin V2"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "SwinTransformerV2", "embed_dim": 12, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 3, 4], "window_size": 3 }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["DINOv3"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8, "layer_scale": 1e-5, "reg_tokens": 4, "absolute_positions": false, "rotary": {}, "qkv_layout": "no_key_bias" }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["EVA-02"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8, "features": "average", "rotary": { "coordinates": "patches", "pairs": "neighbours" }, "qkv_layout": "separate", "mlp_type": "swiglu", "mlp_norm": true }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["SigLIP"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8, "features": "attention_pool", "class_token": false }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["CrossFormer"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "CrossFormer", "embed_dim": 48, "depths": [1, 1, 4], "num_heads": [1, 2, 3], "cooling_layers": true, "out_indices": [2] }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["ConvNeXt"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "ConvNeXt", "depths": [1, 2], "channels": [8, 12] }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["ConvNeXt V2"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "ConvNeXt", "depths": [1, 2], "channels": [8, 12], "use_grn": true, "layer_scale_init_value": 0 }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["EfficientNetV2"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "EfficientNetV2", "widen_factor": 0.34, "deepen_factor": 0.1 }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["MobileNetV3"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "MobileNetV3", "widen_factor": 0.5 }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["RegNet"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "RegNet", "arch": "y002", "depth": 4, "w0": 8, "wa": 8, "wm": 2, "group_size": 4 }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["DenseNet"] = (
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "DenseNet", "growth_rate": 4, "stage_layers": [1, 2] }, {{Linear}} }""",
            DataTask.Classification
        ),
        ["MCTformer V1"] = ($$"""{ "type": "Mctformer", "version": "v1", {{Mct}} }""", DataTask.MultiLabel),
        ["MCTformer+"] = ($$"""{ "type": "Mctformer", {{Mct}} }""", DataTask.MultiLabel),
        ["ToCo"] = (
            """{ "type": "Toco", "projector_width": 16, "projector_dim": 8, "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 2, "image_size": 32, "patch_size": 8, "features": "maps", "out_indices": [0, 2], "give_class_token": true } }""",
            DataTask.MultiLabel
        ),
        ["ToCo, classifiers alone"] = (
            """{ "type": "Toco", "ctc_weight": 0, "seg_weight": 0, "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 2, "image_size": 32, "patch_size": 8, "features": "maps", "out_indices": [0, 2] } }""",
            DataTask.MultiLabel
        ),
        ["NTS-Net"] = (
            $$"""{ "type": "NtsNet", "proposals": 3, "parts": 2, "part_size": 32, "proposal_channels": 4, {{Resnet}} }""",
            DataTask.Classification
        ),
        ["regression"] = (
            $$"""{ "type": "ImageRegressor", {{Resnet}}, "head": { "type": "RegressionHead", "target_mean": [1, 2, 3], "target_std": [1, 2, 4] } }""",
            DataTask.Regression
        ),
        ["FCN"] = ($$"""{ "type": "Segmentor", {{Stages}}, "decode_head": {{Fcn}}, "auxiliary_head": {{Fcn}} }""", DataTask.Segmentation),
        ["several auxiliary heads"] = (
            $$"""{ "type": "Segmentor", {{Stages}}, "decode_head": { "type": "PspHead", "channels": 6 }, "auxiliary_heads": { "a": {{Fcn}}, "b": {{Fcn}} } }""",
            DataTask.Segmentation
        ),
        ["DeepLab v3"] = (
            $$"""{ "type": "Segmentor", {{Stages}}, "decode_head": { "type": "AsppHead", "channels": 6 }, "auxiliary_head": {{Fcn}} }""",
            DataTask.Segmentation
        ),
        ["DeepLab v3+"] = (
            $$"""{ "type": "Segmentor", {{Stages}}, "decode_head": { "type": "SepAsppHead", "channels": 6 } }""",
            DataTask.Segmentation
        ),
        ["OCR"] = (
            $$"""{ "type": "Segmentor", {{Stages}}, "decode_head": { "type": "OcrHead", "channels": 6, "ocr_channels": 4 }, "auxiliary_head": {{Fcn}} }""",
            DataTask.Segmentation
        ),
        ["HRNet of segmentation"] = (
            """{ "type": "Segmentor", "backbone": { "type": "HRNet", "channels": 4, "layer1_channels": 4, "stem_channels": 8, "stage_modules": [1, 1, 1], "stage_blocks": [1, 1, 1, 1] }, "decode_head": { "type": "ConcatHead" } }""",
            DataTask.Segmentation
        ),
        ["UPerNet"] = (
            $$"""{ "type": "Segmentor", {{Stages}}, "decode_head": { "type": "UPerHead", "channels": 6 }, "auxiliary_head": {{Fcn}} }""",
            DataTask.Segmentation
        ),
        ["Semantic FPN"] = (
            $$"""{ "type": "Segmentor", {{Stages}}, "neck": { "type": "Fpn", "out_channels": 8 }, "decode_head": { "type": "FpnHead", "channels": 6 } }""",
            DataTask.Segmentation
        ),
        ["SegFormer"] = (
            $$"""{ "type": "Segmentor", {{Mit}}, "decode_head": { "type": "SegformerHead", "channels": 6 } }""",
            DataTask.Segmentation
        ),
        ["SegFormer of its authors"] = (
            $$"""{ "type": "Segmentor", {{Mit}}, "decode_head": { "type": "SegformerHead", "channels": 6, "plain": true } }""",
            DataTask.Segmentation
        ),
        ["U-Net"] = (
            $$"""{ "type": "Segmentor", "backbone": { "type": "UNet", "base_channels": 4, "num_stages": 3 }, "decode_head": {{Fcn}} }""",
            DataTask.Segmentation
        ),
        ["RetinaNet"] = (
            $$"""{ "type": "Detector", {{Stages}}, {{Fpn}}, "bbox_head": { "type": "RetinaHead", "stacked_convs": 2 } }""",
            DataTask.Detection
        ),
        ["FCOS"] = (
            $$"""{ "type": "Detector", {{Stages}}, {{Fpn}}, "bbox_head": { "type": "FcosHead", "stacked_convs": 2 } }""",
            DataTask.Detection
        ),
        ["ATSS"] = (
            $$"""{ "type": "Detector", {{Stages}}, {{Fpn}}, "bbox_head": { "type": "AtssHead", "stacked_convs": 2 } }""",
            DataTask.Detection
        ),
        ["GFL"] = (
            $$"""{ "type": "Detector", {{Stages}}, {{Fpn}}, "bbox_head": { "type": "GflHead", "stacked_convs": 2 } }""",
            DataTask.Detection
        ),
        ["RTMDet"] = ($$"""{ "type": "Detector", {{Stages}}, {{Fpn}}, "bbox_head": { "type": "RtmdetHead" } }""", DataTask.Detection),
        ["FCOS of torchvision"] = (
            $$"""{ "type": "Detector", {{Stages}}, {{Fpn}}, "bbox_head": { "type": "FcosHead", "stacked_convs": 2, "scale_per_level": false } }""",
            DataTask.Detection
        ),
        ["YOLOX"] = (
            """{ "type": "Detector", "backbone": { "type": "CspDarknet", "deepen_factor": 0.33, "widen_factor": 0.0625 }, "neck": { "type": "YoloxPafpn", "out_channels": 8, "num_csp_blocks": 1 }, "bbox_head": { "type": "YoloxHead" } }""",
            DataTask.Detection
        ),
        ["CSPNeXt"] = (
            """{ "type": "Detector", "backbone": { "type": "CspNext", "deepen_factor": 0.33, "widen_factor": 0.0625, "use_depthwise": true }, "neck": { "type": "CspNextPafpn", "out_channels": 8, "num_csp_blocks": 1 }, "bbox_head": { "type": "YoloxHead", "use_depthwise": true } }""",
            DataTask.Detection
        ),
        ["Mask R-CNN"] = (
            $$"""{ "type": "TwoStageDetector", {{Stages}}, {{Fpn}}, "rpn_head": { "type": "RpnHead" }, "roi_head": { "type": "StandardRoIHead", "bbox_head": { "type": "ConvFcBboxHead", "fc_out_channels": 6 }, "mask_head": { "type": "FcnMaskHead", "num_convs": 1, "conv_out_channels": 4 } } }""",
            DataTask.Detection
        ),
        ["DETR"] = (
            """{ "type": "Detr", "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "out_indices": [3] }, "num_queries": 5, "encoder_layers": 1, "decoder_layers": 2, "embed_dim": 8, "num_heads": 2, "ffn_dim": 12 }""",
            DataTask.Detection
        ),
        ["RT-DETR"] = (
            """{ "type": "RtDetr", "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "stem": "deep", "avg_down": true, "project_first": true, "out_indices": [1, 2, 3] }, "neck": { "type": "HybridEncoder", "out_channels": 8, "num_heads": 2, "ffn_dim": 12, "num_blocks": 1 }, "num_queries": 5, "decoder_layers": 2, "embed_dim": 8, "num_heads": 2, "ffn_dim": 12 }""",
            DataTask.Detection
        ),
        ["Cascade Mask R-CNN"] = (
            $$"""{ "type": "TwoStageDetector", {{Stages}}, {{Fpn}}, "rpn_head": { "type": "RpnHead" }, "roi_head": { "type": "CascadeRoIHead", "stage_loss_weights": [1, 0.5], "bbox_head": [{ "type": "ConvFcBboxHead", "fc_out_channels": 6 }, { "type": "ConvFcBboxHead", "fc_out_channels": 6 }], "mask_head": [{ "type": "FcnMaskHead", "num_convs": 1, "conv_out_channels": 4 }, { "type": "FcnMaskHead", "num_convs": 1, "conv_out_channels": 4 }], "assigners": [{ "type": "MaxIouAssigner" }, { "type": "MaxIouAssigner" }] } }""",
            DataTask.Detection
        ),
        ["EoMT of panoptic maps"] = (Eomt, DataTask.Panoptic),
        ["EoMT of instances"] = (Eomt, DataTask.Detection),
        ["EoMT of classes"] = (Eomt, DataTask.Segmentation),
        ["Cascade R-CNN"] = (
            $$"""{ "type": "TwoStageDetector", {{Stages}}, {{Fpn}}, "rpn_head": { "type": "RpnHead" }, "roi_head": { "type": "CascadeRoIHead", "stage_loss_weights": [1], "bbox_head": [{ "type": "ConvFcBboxHead", "fc_out_channels": 6 }], "assigners": [{ "type": "MaxIouAssigner" }] } }""",
            DataTask.Detection
        ),
    };
}
