using System.Text;

namespace Tessera.Tests.Tools.Advice;

/// <summary>A folder with a small config for each task, to carry out in it what messages advise.</summary>
internal sealed class AdviceFolder : IDisposable
{
    private const string Start = """ "seed": 3, "precision": "fp32", "threads": 1, "device": "cpu", """;

    private const string Small =
        """ { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "stem": "small", "base_channels": 8, "strides": [2, 2, 2, 1] } """;

    private const string Steps = """ [ { "type": "LoadImage" }, { "type": "Normalize" } ] """;

    private int _runs;

    public string Path { get; } = Directory.CreateTempSubdirectory("tessera-advice-").FullName;

    public string At(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    public string Write(string name, string text)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text, new UTF8Encoding(false));
        return At(name);
    }

    public void Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), bytes);
    }

    /// <summary>Trains one epoch into a folder of its own.</summary>
    public Said Train(string config, params string[] changes) =>
        Tool.Run([
            "train",
            config,
            "--work-dir",
            At($"run{_runs++}"),
            .. changes.SelectMany(change => (string[])["--cfg-options", change]),
        ]);

    /// <summary>A classifier on eight drawn images of three classes, evaluated on four.</summary>
    public string Classifier() =>
        Write(
            "classifier.json",
            $$"""
            { {{Start}}
              "model": { "type": "ImageClassifier", "backbone": {{Small}}, "head": { "type": "LinearHead" } },
              "train": { "epochs": 1, "loader": { "batch_size": 4, "workers": 0 },
                "dataset": { "type": "Shapes", "count": 8, "size": 32, "classes": ["circle", "square", "star"], "pipeline": {{Steps}} } },
              "val": { "loader": { "batch_size": 4, "workers": 0 },
                "dataset": { "type": "Shapes", "count": 4, "size": 32, "split": "val", "classes": ["circle", "square", "star"], "pipeline": {{Steps}} },
                "metrics": { "accuracy": { "type": "Accuracy" } } },
              "optimizer": { "type": "Sgd", "lr": 0.01 },
              "hooks": { "log": { "type": "LogHook", "interval": 1 } } }
            """
        );

    /// <summary>Several labels for each of eight drawn images.</summary>
    public string MultiLabel() =>
        Write(
            "multilabel.json",
            Head(
                "multi_label",
                """ "type": "ImageClassifier", "head": { "type": "LinearHead", "loss": { "type": "BinaryCrossEntropyLoss" } } """
            )
        );

    /// <summary>Targets of eight drawn images.</summary>
    public string Regression() =>
        Write("regression.json", Head("regression", """ "type": "ImageRegressor", "head": { "type": "RegressionHead" } """));

    private static string Head(string task, string model) =>
        $$"""
            { {{Start}}
              "model": { {{model}}, "backbone": {{Small}} },
              "train": { "epochs": 1, "loader": { "batch_size": 4, "workers": 0 },
                "dataset": { "type": "Shapes", "task": "{{task}}", "count": 8, "size": 32, "pipeline": {{Steps}} } },
              "optimizer": { "type": "Sgd", "lr": 0.01 } }
            """;

    /// <summary>A segmentor on eight drawn images.</summary>
    public string Segmentor() =>
        Write(
            "segmentor.json",
            $$"""
            { {{Start}}
              "model": { "type": "Segmentor", "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "base_channels": 8, "stem": "small", "output_stride": 8 },
                "decode_head": { "type": "FcnHead", "channels": 8, "num_convs": 1, "losses": { "ce": { "type": "CrossEntropyLoss" } } } },
              "train": { "epochs": 1, "loader": { "batch_size": 4, "workers": 0 },
                "dataset": { "type": "Shapes", "task": "segmentation", "count": 8, "size": 48, "pipeline": {{Steps}} } },
              "optimizer": { "type": "Sgd", "lr": 0.01 } }
            """
        );

    /// <summary>A segmentor on a folder of photographs and masks, whose label_map is given.</summary>
    public string Masks(string labelMap) =>
        Write(
            "masks.json",
            $$"""
            { {{Start}}
              "model": { "type": "Segmentor", "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "base_channels": 8, "stem": "small", "output_stride": 8 },
                "decode_head": { "type": "FcnHead", "channels": 8, "num_convs": 1 } },
              "train": { "epochs": 1, "loader": { "batch_size": 2, "workers": 0 },
                "dataset": { "type": "SegmentationFolder", "path": "{{At("data")}}", "label_map": {{labelMap}},
                  "pipeline": [ { "type": "LoadImage" }, { "type": "LoadSegmentation" }, { "type": "Normalize" } ] } },
              "optimizer": { "type": "Sgd", "lr": 0.01 } }
            """
        );

    /// <summary>A detector on eight drawn images.</summary>
    public string Detector() =>
        Write(
            "detector.json",
            $$"""
            { {{Start}}
              "model": { "type": "Detector",
                "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "base_channels": 16, "stem": "small", "strides": [2, 2, 2, 2] },
                "neck": { "type": "Fpn", "out_channels": 16, "start_level": 2 },
                "bbox_head": { "type": "RetinaHead", "stacked_convs": 1, "anchor_generator": { "type": "AnchorGenerator", "octave_base_scale": 2, "scales_per_octave": 1, "ratios": [1] } } },
              "train": { "epochs": 1, "loader": { "batch_size": 4, "workers": 0 },
                "dataset": { "type": "Shapes", "task": "detection", "count": 8, "size": 64, "classes": ["circle", "square", "star"], "pipeline": {{Steps}} } },
              "optimizer": { "type": "Sgd", "lr": 0.01 } }
            """
        );

    /// <summary>A mask transformer on eight drawn images.</summary>
    /// <param name="task">panoptic; or detection, whose masks are learned.</param>
    public string Queries(string task) =>
        Write(
            $"queries-{task}.json",
            $$"""
            { {{Start}}
              "model": { "type": "Eomt", "num_queries": 6, "num_blocks": 1, "loss": { "num_points": 30 },
                "backbone": { "type": "VisionTransformer", "image_size": 64, "patch_size": 16, "embed_dim": 16, "depth": 2, "num_heads": 2 } },
              "train": { "epochs": 1, "loader": { "batch_size": 4, "workers": 0 },
                "dataset": { "type": "Shapes", "task": "{{task}}", "count": 8, "size": 64, "classes": ["circle", "square", "star"], "pipeline": {{Steps}} } },
              "optimizer": { "type": "AdamW", "lr": 0.001 } }
            """
        );

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
