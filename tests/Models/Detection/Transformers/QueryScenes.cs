using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;

namespace Tessera.Tests.Models.Detection.Transformers;

/// <summary>Small detectors with queries, and batches for them.</summary>
internal static class QueryScenes
{
    public const string OneMap = """
        "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stage_blocks": [1, 1, 1], "stem": "small", "strides": [2, 2, 2], "zero_init_residual": false, "out_indices": [2] }
        """;

    public const string TwoMaps = """
        "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stage_blocks": [1, 1, 1], "stem": "small", "strides": [2, 2, 2], "zero_init_residual": false, "out_indices": [1, 2] },
        "neck": { "type": "HybridEncoder", "out_channels": 16, "num_heads": 2, "ffn_dim": 24, "num_blocks": 1, "expansion": 0.5 }
        """;

    public static readonly DataInfo Info = Build.Classes(3, DataTask.Detection);

    public static Detr Detr(string options = "") =>
        (Detr)
            Build.From<VisionModel>(
                $$"""
                { "type": "Detr", {{OneMap}}, "num_queries": 6, "encoder_layers": 1, "decoder_layers": 2, "embed_dim": 16, "num_heads": 2, "ffn_dim": 24{{(
                    options == "" ? "" : ", " + options
                )}} }
                """,
                Info
            );

    public static RtDetr RtDetr(string options = "")
    {
        var queries = options.Contains("num_queries", StringComparison.Ordinal) ? "" : "\"num_queries\": 6, ";
        var width = options.Contains("embed_dim", StringComparison.Ordinal) ? "" : "\"embed_dim\": 16, \"num_heads\": 2, ";
        var denoising = options.Contains("num_denoising", StringComparison.Ordinal) ? "" : "\"num_denoising\": 8, ";
        return (RtDetr)
            Build.From<VisionModel>(
                $$"""
                { "type": "RtDetr", {{TwoMaps}}, {{queries}}{{width}}{{denoising}}"decoder_layers": 2, "ffn_dim": 24, "num_points": 2{{(
                    options == "" ? "" : ", " + options
                )}} }
                """,
                Info
            );
    }

    /// <summary>Images by formula, of 48 x 64, with boxes.</summary>
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
                            },
                        }
                ),
            ],
        };
}
