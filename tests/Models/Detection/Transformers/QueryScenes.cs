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
