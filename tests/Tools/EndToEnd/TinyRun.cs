using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>A small network, trained for two epochs on a few Shapes: what the tests of every other tool start from.</summary>
public sealed class TinyRun : IDisposable
{
    /// <summary>Constant learning rate and four checkpointed iterations an epoch; an average of the weights that differs from
    /// them.</summary>
    public const string Config = """
        {
          "seed": 3, "precision": "fp32", "threads": 1, "device": "cpu",
          "model": {
            "type": "ImageClassifier",
            "backbone": { "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 8, "strides": [2, 2, 2, 1] },
            "head": { "type": "LinearHead" }
          },
          "train": {
            "epochs": 2,
            "loader": { "batch_size": 16, "workers": 1, "sampler": { "type": "RandomSampler" } },
            "dataset": { "type": "Shapes", "count": 64, "size": 32, "pipeline": [ { "type": "LoadImage" }, { "type": "RandomFlip" }, { "type": "Normalize" } ] }
          },
          "val": {
            "loader": { "batch_size": 10, "workers": 1 },
            "dataset": { "type": "Shapes", "count": 20, "size": 32, "split": "val", "pipeline": [ { "type": "LoadImage" }, { "type": "Resize", "size": [32, 32] }, { "type": "Normalize" } ] },
            "metrics": { "accuracy": { "type": "Accuracy" } }
          },
          "test": {
            "loader": { "batch_size": 10, "workers": 1 },
            "dataset": { "type": "Shapes", "count": 20, "size": 32, "split": "test", "pipeline": [ { "type": "LoadImage" }, { "type": "Resize", "size": [32, 32] }, { "type": "Normalize" } ] },
            "metrics": { "accuracy": { "type": "Accuracy", "top_k": [1, 5] }, "confusion": { "type": "ConfusionMatrix" } }
          },
          "optimizer": { "type": "Sgd", "lr": 0.05, "momentum": 0.9 },
          "hooks": {
            "ema": { "type": "EmaHook", "decay": 0.9 },
            "log": { "type": "LogHook", "interval": 1 },
            "checkpoint": { "type": "CheckpointHook", "every_epochs": 1, "keep": 5, "save_best": { "metric": "accuracy/top1" } }
          }
        }
        """;

    public TinyRun()
    {
        ConfigPath = At("tiny.json");
        File.WriteAllText(ConfigPath, Config);
        Trained = Tool.Run("train", ConfigPath, "--work-dir", At("run")).Succeeds();
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-tiny").FullName;

    public string ConfigPath { get; }

    public string Checkpoint => At("run", "epoch_2.safetensors");

    internal Said Trained { get; }

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>A folder of its own for a test.</summary>
    public string New() => Directory.CreateDirectory(At(Guid.NewGuid().ToString("N"))).FullName;

    /// <summary>Shapes as files, by index.</summary>
    public static byte[] Png(int index)
    {
        var shapes = new Datasets.Synthetic.Shapes(
            new Datasets.Synthetic.ShapesOptions(Count: index + 1, Size: 32, Split: Datasets.Synthetic.ShapesSplit.Test)
        );
        return ImageCodec.EncodePng(shapes.Get(index).Image!.Decode());
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
