using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Running;
using Tessera.Tests.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Onnx;

/// <summary>For each task a checkpoint of a tiny model, whose weights are by formula.</summary>
internal static class Trained
{
    private const string Backbone =
        """{ "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "base_channels": 8, "stem": "small", "strides": [2, 2, 2, 2] }""";

    public const string Retina =
            """{ "type": "RetinaHead", "stacked_convs": 1, "prior_prob": 0.2, "anchor_generator": { "type": "AnchorGenerator", "octave_base_scale": 2, "scales_per_octave": 2, "ratios": [0.7, 1.4] } }""",
        Fcos = """{ "type": "FcosHead", "stacked_convs": 1, "prior_prob": 0.2, "norm": "bn" }""",
        Atss = """{ "type": "AtssHead", "stacked_convs": 1, "prior_prob": 0.2, "norm": "bn" }""",
        Gfl = """{ "type": "GflHead", "stacked_convs": 1, "reg_max": 3, "prior_prob": 0.2, "norm": "bn" }""",
        Rtmdet = """{ "type": "RtmdetHead", "stacked_convs": 1, "prior_prob": 0.2, "exp_on_reg": true }""",
        Yolox = """{ "type": "YoloxHead", "stacked_convs": 1, "prior_prob": 0.4 }""";

    public static string Model(DataTask task, string head = Retina) =>
        task switch
        {
            DataTask.Regression =>
                $$"""{ "type": "ImageRegressor", "backbone": {{Backbone}}, "head": { "type": "RegressionHead", "target_mean": [3, 4, 5], "target_std": [1, 2, 3] } }""",
            DataTask.Segmentation =>
                """{ "type": "Segmentor", "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stem": "small", "output_stride": 8 }, "decode_head": { "type": "FcnHead", "channels": 8, "num_convs": 1 } }""",
            DataTask.Detection => $$"""
                { "type": "Detector", "backbone": {{Backbone}}, "neck": { "type": "Fpn", "out_channels": 16, "start_level": 2 }, "bbox_head": {{head}},
                  "test": { "score_thr": 0.02, "nms": { "type": "Nms", "iou_threshold": 0.4 }, "nms_pre": 60, "max_per_img": 20 } }
                """,
            DataTask.MultiLabel =>
                $$"""{ "type": "ImageClassifier", "backbone": {{Backbone}}, "head": { "type": "LinearHead", "loss": { "type": "BinaryCrossEntropyLoss" } } }""",
            _ => $$"""{ "type": "ImageClassifier", "backbone": {{Backbone}}, "head": { "type": "LinearHead" } }""",
        };

    /// <summary>Writes the checkpoint.</summary>
    /// <param name="pipeline">Steps behind LoadImage.</param>
    public static string Checkpoint(TemporaryFolder folder, DataTask task, string? model = null, string? pipeline = null)
    {
        var path = folder.File($"{task}.safetensors");
        var name = task == DataTask.MultiLabel ? "multi_label" : task.ToString().ToLowerInvariant();
        var config = ConfigDocument.Parse(
            $$"""
            {
              "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu",
              "model": {{model ?? Model(task)}},
              "val": { "loader": { "batch_size": 2, "workers": 0 }, "dataset": { "type": "Shapes", "task": "{{name}}", "count": 4, "size": 64, "split": "val",
                "classes": ["circle", "square", "star"],
                "pipeline": [ { "type": "LoadImage" }, {{pipeline
                ?? """{ "type": "Resize", "size": [96, 64] }, { "type": "Normalize" }"""}} ] } }
            }
            """
        );
        using var session = Session.Open(config);
        var info = session.Data[DataPart.Val].Info;
        using var network = session.CreateInitializedModel(info);
        using (no_grad())
            foreach (var (key, weight) in network.named_parameters())
            {
                weight.add_(Formula.Values("weights", weight.shape), 0.02); // nothing is zero
                if (key.EndsWith("_cls.weight", StringComparison.Ordinal))
                    weight.mul_(200); // scores far enough apart that rounding changes neither their order nor what is suppressed
            }
        network.eval();
        Tessera.Framework.Checkpoints.Checkpoint.WriteModel(
            path,
            network,
            new CheckpointInfo
            {
                Config = config,
                Data = info,
                Epoch = 1,
                Iteration = 1,
            }
        );
        return path;
    }

    public static Session Open(string checkpoint) => Session.OfCheckpoint(checkpoint, new SessionOptions { Device = "cpu" });

    /// <summary>A picture with edges, colours and a gradient.</summary>
    public static Image Picture(int height, int width)
    {
        var image = new Image(height, width, 3);
        for (var i = 0; i < image.Bytes.Length; i++)
        {
            var (row, column, channel) = (i / 3 / width, i / 3 % width, i % 3);
            image.Bytes[i] = (byte)((row * 5) + (column * 3 * (channel + 1)) + (((row / 16) + (column / 16)) % 2 * 90));
        }
        return image;
    }
}
