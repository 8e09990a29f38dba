using System.Text;
using Tessera.Tests.Tools.EndToEnd;

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

    /// <summary>The run with the fault fails with the message, and succeeds with each remedy on top of it.</summary>
    /// <param name="fault">Changes of the config, a line each.</param>
    /// <param name="remedies">Changes likewise, each of which must do alone.</param>
    public void CarryOut(string config, string fault, string says, IReadOnlyList<string?> remedies)
    {
        string[] changes = fault.Split('\n');
        Train(config, changes).IsMistake(says);
        foreach (var remedy in remedies.OfType<string>())
            Train(config, [.. changes, .. remedy.Split('\n')]).Succeeds();
    }

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

    /// <summary>A conditional GAN on eight drawn images of 16 pixels.</summary>
    public string Gan() =>
        Write(
            "gan.json",
            Drawing(
                """
                "type": "Gan", "condition": "ac",
                "generator": { "type": "DcganGenerator", "size": 16, "latent": 8, "channels": 8, "class_embed": 4 },
                "discriminator": { "type": "DcganDiscriminator", "size": 16, "channels": 8 }
                """,
                """
                "generator": { "type": "Adam", "lr": 0.0002, "parameters": ["generator"] },
                "discriminator": { "type": "Adam", "lr": 0.0002, "parameters": ["discriminator"] }
                """
            )
        );

    /// <summary>A diffusion model on the same.</summary>
    public string Diffusion() =>
        Write(
            "diffusion.json",
            Drawing(
                """
                "type": "Diffusion", "steps": 10, "sampling": { "steps": 5 },
                "network": { "type": "DiffusionUNet", "size": 16, "channels": 4, "channel_mult": [1, 2], "blocks": 1, "attention": [], "groups": 2 }
                """,
                """ "type": "Adam", "lr": 0.001 """
            )
        );

    private static string Drawing(string model, string optimizer) =>
        $$"""
            { {{Start}}
              "model": { {{model}} },
              "train": { "loop": "iterations", "iterations": 2, "validate_every": 0, "loader": { "batch_size": 4, "workers": 0 },
                "dataset": { "type": "Shapes", "count": 8, "size": 16, "classes": ["circle", "square", "star"],
                  "pipeline": [{ "type": "LoadImage" }, { "type": "Normalize", "mean": [127.5], "std": [127.5] }] } },
              "optimizer": { {{optimizer}} } }
            """;

    /// <summary>A detector by queries on eight drawn images.</summary>
    public string RtDetr() =>
        Write(
            "rtdetr.json",
            Objects(
                JudgedTasks.RtDetr,
                """ "type": "Shapes", "task": "detection", "count": 8, "size": 64, "classes": ["circle", "square", "star"] """
            )
        );

    /// <summary>A detector in two stages, with masks, on two drawn images in COCO's form.</summary>
    public string TwoStages()
    {
        for (var i = 0; i < 2; i++)
            Write($"photos/{i}.png", TinyRun.Png(i));
        var annotations = string.Join(
            ",",
            Enumerable
                .Range(0, 2)
                .Select(i =>
                    $$"""{ "id": {{i + 1}}, "image_id": {{i}}, "category_id": 1, "bbox": [4, 4, 16, 16], "area": 256, "iscrowd": 0, "segmentation": [[4, 4, 20, 4, 20, 20, 4, 20]] }"""
                )
        );
        Write(
            "photos.json",
            $$"""
            { "images": [{ "id": 0, "file_name": "0.png", "height": 32, "width": 32 }, { "id": 1, "file_name": "1.png", "height": 32, "width": 32 }],
              "annotations": [{{annotations}}], "categories": [{ "id": 1, "name": "cell" }] }
            """
        );
        return Write(
            "two-stages.json",
            Objects(
                JudgedTasks.TwoStage,
                $""" "type": "CocoDetection", "annotations": "{At("photos.json")}", "path": "{At("photos")}", "with_masks": true """
            )
        );
    }

    private static string Objects(string model, string data) =>
        $$"""
            { {{Start}}
              "model": {{model}},
              "train": { "epochs": 1, "loader": { "batch_size": 2, "workers": 0 }, "dataset": { {{data}}, "pipeline": {{Steps}} } },
              "optimizer": { "type": "AdamW", "lr": 0.0001 } }
            """;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
