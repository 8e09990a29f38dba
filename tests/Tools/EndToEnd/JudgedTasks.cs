using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Small data of further tasks, beside <see cref="JudgedFiles"/>, whose annotations a test may spoil, and configs of small
/// models for it.</summary>
internal static class JudgedTasks
{
    private const string Rest = """ "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu" """;

    private const string Stages =
        """ "backbone": { "type": "ResNet", "depth": 50, "base_channels": 4, "stage_blocks": [1, 1, 1, 1], "out_indices": [0, 1, 2, 3] } """;

    private const string Adam = """ "optimizer": { "type": "AdamW", "lr": 0.0001 } """;

    /// <summary>Three queries, which suffice for the two objects or segments of each image.</summary>
    public const string Eomt = """
        { "type": "Eomt", "num_queries": 3, "num_blocks": 1, "loss": { "num_points": 30 },
          "backbone": { "type": "VisionTransformer", "image_size": 64, "patch_size": 16, "embed_dim": 16, "depth": 2, "num_heads": 2 } }
        """;

    public const string Detr = """
        { "type": "Detr", "num_queries": 3, "encoder_layers": 1, "decoder_layers": 2, "embed_dim": 8, "num_heads": 2, "ffn_dim": 12,
          "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "out_indices": [3] } }
        """;

    public const string RtDetr = """
        { "type": "RtDetr", "num_queries": 3, "decoder_layers": 2, "embed_dim": 8, "num_heads": 2, "ffn_dim": 12,
          "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "out_indices": [1, 2, 3] },
          "neck": { "type": "HybridEncoder", "out_channels": 8, "num_heads": 2, "ffn_dim": 12, "num_blocks": 1 } }
        """;

    public const string TwoStage = $$"""
        { "type": "TwoStageDetector", {{Stages}},
          "neck": { "type": "Fpn", "out_channels": 32, "start_level": 1, "num_outs": 5, "add_extra_convs": "on_output" },
          "rpn_head": { "type": "RpnHead" },
          "roi_head": { "type": "StandardRoIHead", "bbox_head": { "type": "ConvFcBboxHead", "fc_out_channels": 6 },
            "mask_head": { "type": "FcnMaskHead", "num_convs": 1, "conv_out_channels": 4 } } }
        """;

    public const string Gan = """
        { "type": "Gan", "generator": { "type": "DcganGenerator", "size": 32, "latent": 8, "channels": 8 },
          "discriminator": { "type": "DcganDiscriminator", "size": 32, "channels": 8 } }
        """;

    public const string Diffusion = """
        { "type": "Diffusion", "steps": 20,
          "network": { "type": "DiffusionUNet", "size": 32, "channels": 4, "channel_mult": [1, 2], "blocks": 1, "attention": [], "groups": 2 } }
        """;

    /// <summary>Boxes and masks of <see cref="JudgedFiles.Boxes"/>, two of each image; returns the config's path.</summary>
    /// <param name="model">What learns from them.</param>
    /// <param name="change">What it does to each annotation, given its place.</param>
    /// <param name="masks">Read masks, too.</param>
    public static string Instances(this JudgedFiles files, string model, Action<JsonObject, int>? change = null, bool masks = true)
    {
        files.Detection(box => JudgedFiles.Json(box));
        var json = JsonNode.Parse(File.ReadAllText(files.At("boxes.json")))!;
        foreach (var (i, annotation) in json["annotations"]!.AsArray().Index())
        {
            annotation!["segmentation"] = new JsonArray(Outline(JudgedFiles.Boxes[i]));
            change?.Invoke(annotation.AsObject(), i);
        }
        files.Write("masks.json", json.ToJsonString());
        var dataset = $$"""
            { "type": "CocoDetection", "path": "{{files.At("images")}}", "annotations": "{{files.At("masks.json")}}", "with_masks": {{(
                masks ? "true" : "false"
            )}}, "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] }
            """;
        return files.Write("instances.json", Config(model, dataset, Adam, "\"bbox\": { \"type\": \"CocoAp\", \"bootstrap\": 0 }"));
    }

    /// <summary>The corners of a box [x, y, width, height].</summary>
    public static JsonArray Outline(double[] box, double scale = 1)
    {
        var (x1, y1, x2, y2) = (box[0] * scale, box[1] * scale, (box[0] + box[2]) * scale, (box[1] + box[3]) * scale);
        return JudgedFiles.Json(x1, y1, x2, y1, x2, y2, x1, y2);
    }

    /// <summary>Four photographs with a thing above and stuff below each; returns the config's path.</summary>
    /// <param name="map">The id that the pixel of a sample has at a row: 7 and 9 are listed.</param>
    /// <param name="change">What it does to the file.</param>
    public static string Panoptic(
        this JudgedFiles files,
        Func<int, int, int>? map = null,
        Action<JsonObject>? change = null,
        string model = Eomt
    )
    {
        var (images, annotations) = (new JsonArray(), new JsonArray());
        for (var i = 0; i < 4; i++)
        {
            files.Write($"photos/p{i}.png", JudgedFiles.Png(i));
            var colors = new Image(64, 64, 3);
            for (var at = 0; at < 64 * 64; at++)
                colors.Bytes[3 * at] = (byte)(map?.Invoke(i, at / 64) ?? (at < 20 * 64 ? 7 : 9));
            files.Write($"segments/p{i}.png", ImageCodec.EncodePng(colors));
            images.Add(new JsonObject { ["id"] = i, ["file_name"] = $"p{i}.png" });
            annotations.Add(
                new JsonObject
                {
                    ["image_id"] = i,
                    ["file_name"] = $"p{i}.png",
                    ["segments_info"] = JsonNode.Parse("""[{ "id": 7, "category_id": 1 }, { "id": 9, "category_id": 2 }]"""),
                }
            );
        }
        var json = new JsonObject
        {
            ["images"] = images,
            ["annotations"] = annotations,
            ["categories"] = JsonNode.Parse("""[{ "id": 1, "name": "cat", "isthing": 1 }, { "id": 2, "name": "sky", "isthing": 0 }]"""),
        };
        change?.Invoke(json);
        files.Write("segments.json", json.ToJsonString());
        var dataset = $$"""
            { "type": "CocoPanoptic", "path": "{{files.At("photos")}}", "annotations": "{{files.At(
                "segments.json"
            )}}", "pipeline": [ { "type": "LoadImage" }, { "type": "LoadPanoptic" }, { "type": "Normalize" } ] }
            """;
        return files.Write("panoptic.json", Config(model, dataset, Adam, "\"pq\": { \"type\": \"PanopticQuality\", \"bootstrap\": 0 }"));
    }

    /// <summary>Photographs of 32 x 32 in two classes; returns the config's path.</summary>
    /// <param name="model">What draws such.</param>
    public static string Generation(this JudgedFiles files, string model)
    {
        files.Classification(["a", "b"], ["a", "b"]);
        var dataset = $$"""
            { "type": "ImageFolder", "path": "{{files.At("folders")}}", "split": "train",
              "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize", "mean": [127.5], "std": [127.5] } ] }
            """;
        var optimizer =
            model == Gan
                ? """
                    "optimizer": { "generator": { "type": "Adam", "lr": 0.0002, "parameters": ["generator"] },
                                   "discriminator": { "type": "Adam", "lr": 0.0002, "parameters": ["discriminator"] } }
                    """
                : Adam;
        return files.Write("generation.json", Config(model, dataset, optimizer, metrics: ""));
    }

    private static string Config(string model, string dataset, string optimizer, string metrics) =>
        $$"""
            { {{Rest}}, {{optimizer}},
              "model": {{model}},
              "train": { "epochs": 1, "loader": { "batch_size": 2, "workers": 0 }, "dataset": {{dataset}} },
              "val": { "loader": { "batch_size": 1, "workers": 0 }, "dataset": {{dataset}}, "metrics": { {{metrics}} } } }
            """;
}
