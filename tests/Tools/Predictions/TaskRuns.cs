using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Predictions;

namespace Tessera.Tests.Tools.Predictions;

/// <summary>For each task a tiny model, trained for a few iterations on Shapes, and a run that knows the truth.</summary>
public sealed class TaskRuns : IDisposable
{
    private const string Backbone =
        """{ "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "base_channels": 8, "stem": "small", "strides": [2, 2, 2, 2] }""";

    private static readonly Dictionary<DataTask, (string Model, string Metrics, string Name)> s_tasks = new()
    {
        [DataTask.Classification] = (
            $$"""{ "type": "ImageClassifier", "backbone": {{Backbone}}, "head": { "type": "LinearHead" } }""",
            """{ "accuracy": { "type": "Accuracy", "top_k": [1, 2] }, "auroc": { "type": "Auroc" } }""",
            "accuracy/top1"
        ),
        [DataTask.MultiLabel] = (
            $$"""{ "type": "ImageClassifier", "backbone": {{Backbone}}, "head": { "type": "LinearHead", "loss": { "type": "BinaryCrossEntropyLoss" } } }""",
            """{ "map": { "type": "AveragePrecision" } }""",
            "mAP"
        ),
        [DataTask.Regression] = (
            $$"""{ "type": "ImageRegressor", "backbone": {{Backbone}}, "head": { "type": "RegressionHead", "loss": { "type": "SmoothL1Loss" } } }""",
            """{ "errors": { "type": "RegressionErrors" } }""",
            "mae"
        ),
        [DataTask.Detection] = (
            $$"""
            {
              "type": "Detector", "backbone": {{Backbone}},
              "neck": { "type": "Fpn", "out_channels": 16, "start_level": 2 },
              "bbox_head": { "type": "RetinaHead", "stacked_convs": 1, "anchor_generator": { "type": "AnchorGenerator", "octave_base_scale": 2, "scales_per_octave": 1, "ratios": [1] } },
              "test": { "score_thr": 0.0, "nms": { "type": "Nms", "iou_threshold": 0.5 }, "nms_pre": 50, "max_per_img": 20 }
            }
            """,
            """{ "coco": { "type": "CocoAp", "bootstrap": 20 }, "voc": { "type": "VocAp", "bootstrap": 20 } }""",
            "bbox/AP50"
        ),
        [DataTask.Segmentation] = (
            """
            {
              "type": "Segmentor",
              "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stem": "small", "output_stride": 8 },
              "decode_head": { "type": "FcnHead", "channels": 8, "num_convs": 1 }
            }
            """,
            """{ "iou": { "type": "MeanIoU", "bootstrap": 20 } }""",
            "mIoU"
        ),
        [DataTask.Panoptic] = (
            """
            {
              "type": "Eomt", "num_queries": 6, "num_blocks": 1, "loss": { "num_points": 30 }, "test": { "mask_thresh": 0, "overlap_thresh": 0 },
              "backbone": { "type": "VisionTransformer", "image_size": 64, "patch_size": 16, "embed_dim": 16, "depth": 2, "num_heads": 2 }
            }
            """,
            """{ "pq": { "type": "PanopticQuality", "bootstrap": 20 } }""",
            "PQ"
        ),
    };

    private readonly HashSet<DataTask> _trained = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-predictions").FullName;

    public static TheoryData<DataTask> Tasks => [.. s_tasks.Keys];

    public static string MetricOf(DataTask task) => s_tasks[task].Name;

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>A work dir of a trained run.</summary>
    public string Trained(DataTask task)
    {
        var folder = At($"{task}");
        if (!_trained.Add(task))
            return folder;
        File.WriteAllText(ConfigOf(task), Config(task, 24));
        Tool.Run("train", ConfigOf(task), "--work-dir", folder).Succeeds();
        return folder;
    }

    public string ConfigOf(DataTask task) => At($"{task}.json");

    public string Checkpoint(DataTask task) => Path.Combine(Trained(task), "iter_4.safetensors");

    /// <summary>A work dir whose predictions are the truth, of as many images.</summary>
    public string Perfect(DataTask task, int count = 24)
    {
        var folder = At($"{task}-perfect-{count}");
        var dataset = new Shapes(ShapesOf(task, count));
        using var writer = PredictionFileWriter.Create(folder, new PredictionHeader("val", dataset.Info), dataRoot: null);
        for (var i = 0; i < count; i++)
        {
            var sample = dataset.Get(i);
            writer.Write(sample, Right(sample, dataset.Info));
        }
        writer.Complete(new Dictionary<string, double>());
        return folder;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    public static Prediction Right(Sample sample, DataInfo data)
    {
        var truth = sample.Truth;
        switch (data.Task)
        {
            case DataTask.Classification:
                var scores = new float[data.Classes.Count];
                scores[truth.Label!.Value] = 1;
                return new ClassPrediction(scores, truth.Label.Value);
            case DataTask.MultiLabel:
                return new ClassPrediction(truth.MultiLabel!, Array.IndexOf(truth.MultiLabel!, truth.MultiLabel!.Max()));
            case DataTask.Regression:
                return new RegressionPrediction(truth.Targets!);
            case DataTask.Detection:
                return new DetectionPrediction(truth.Boxes!.Corners, [.. truth.Boxes.Labels.Select(_ => 1f)], truth.Boxes.Labels);
            case DataTask.Panoptic:
                return new PanopticPrediction(truth.Panoptic!);
            default:
                return new SegmentationPrediction(Filled(truth.SegmentationMap!));
        }
    }

    // 255 is no prediction
    private static Image Filled(Image map)
    {
        var filled = map.Clone();
        filled.Bytes.AsSpan().Replace(byte.MaxValue, (byte)0);
        return filled;
    }

    private static ShapesOptions ShapesOf(DataTask task, int count) =>
        new(Count: count, Size: 64, Split: ShapesSplit.Val, Task: task, Classes: ["circle", "square", "star"]);

    private static string Config(DataTask task, int count)
    {
        var (model, metrics, _) = s_tasks[task];
        var name = task == DataTask.MultiLabel ? "multi_label" : task.ToString().ToLowerInvariant();
        string Data(string split, int samples) =>
            $$"""{ "type": "Shapes", "task": "{{name}}", "count": {{samples}}, "size": 64, "split": "{{split}}", "classes": ["circle", "square", "star"], "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] }""";
        return $$"""
            {
              "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu",
              "model": {{model}},
              "train": { "loop": "iterations", "iterations": 4, "validate_every": 2, "loader": { "batch_size": 4, "workers": 0, "sampler": { "type": "RandomSampler" } }, "dataset": {{Data(
                "train",
                16
            )}} },
              "val": { "loader": { "batch_size": 5, "workers": 0 }, "dataset": {{Data("val", count)}}, "metrics": {{metrics}} },
              "optimizer": { "type": "AdamW", "lr": 0.001 },
              "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 4 } }
            }
            """;
    }
}
