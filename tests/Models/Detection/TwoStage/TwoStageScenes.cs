using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;

namespace Tessera.Tests.Models.Detection.TwoStage;

/// <summary>Small detectors in two stages, and batches for them.</summary>
internal static class TwoStageScenes
{
    public const string Tiny = """
        "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stage_blocks": [1, 1, 1], "stem": "small", "strides": [2, 2, 2], "zero_init_residual": false },
        "neck": { "type": "Fpn", "out_channels": 8, "start_level": 1, "num_outs": 3 }
        """;

    public const string Rpn =
        """ "rpn_head": { "type": "RpnHead", "anchor_generator": { "type": "AnchorGenerator", "scales": [4] }, "train": { "nms_pre": 60, "max_per_img": 40 }, "test": { "nms_pre": 30, "max_per_img": 20 } } """;

    public const string Box = """{ "type": "ConvFcBboxHead", "fc_out_channels": 16 }""";

    public const string Mask = """{ "type": "FcnMaskHead", "num_convs": 1, "conv_out_channels": 8 }""";

    public static readonly string[] RoIHeads =
    [
        $$"""{ "type": "StandardRoIHead", "bbox_head": {{Box}} }""",
        $$"""{ "type": "StandardRoIHead", "bbox_head": {{Box}}, "mask_head": {{Mask}} }""",
        $$"""{ "type": "CascadeRoIHead", "bbox_head": [{{Box}}, {{Box}}, {{Box}}], "mask_head": [{{Mask}}, {{Mask}}, {{Mask}}] }""",
        """{ "type": "CascadeRoIHead" }""",
    ];

    public static readonly DataInfo Info = Build.Classes(3, DataTask.Detection);

    public static TwoStageDetector Small(string roiHead, string test = """{ "score_thr": 0.1 }""") =>
        (TwoStageDetector)
            Build.From<VisionModel>(
                $$"""{ "type": "TwoStageDetector", {{Tiny}}, {{Rpn}}, "roi_head": {{roiHead}}, "test": {{test}} }""",
                Info
            );

    /// <summary>Images by formula, of 48 x 64, with boxes and their masks: the box's left half.</summary>
    public static Batch Images(params float[][] boxesOfImages) =>
        new()
        {
            Images = Formula.Values("images", boxesOfImages.Length, 3, 48, 64),
            Samples =
            [
                .. boxesOfImages.Select(
                    (corners, i) =>
                        new Sample
                        {
                            Index = i,
                            Name = $"image{i}",
                            Truth =
                            {
                                Boxes = new Boxes(
                                    corners,
                                    [.. Enumerable.Range(0, corners.Length / 4).Select(box => box % 3)],
                                    new bool[corners.Length / 4]
                                ),
                                InstanceMasks = [.. corners.Chunk(4).Select(LeftHalf)],
                            },
                        }
                ),
            ],
        };

    private static Image LeftHalf(float[] box)
    {
        var mask = new Image(48, 64, 1);
        for (var y = 0; y < 48; y++)
        for (var x = 0; x < 64; x++)
            if (y >= box[1] && y < box[3] && x >= box[0] && x < (box[0] + box[2]) / 2)
                mask.Bytes[(y * 64) + x] = 1;
        return mask;
    }
}
