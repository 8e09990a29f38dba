using Tessera.Tests.Tools.Running;

namespace Tessera.Tests.Tools.EndToEnd;

[Collection(InProcess.Name)]
public sealed class ContrastMemoryTests
{
    private const string Config = """
        {
          "model": {
            "type": "Segmentor",
            "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1], "stem": "small", "base_channels": 8, "strides": [2, 2] },
            "decode_head": {
              "type": "FcnHead", "channels": 8,
              "losses": {
                "ce": { "type": "CrossEntropyLoss" },
                "contrast": { "type": "PixelContrastLoss", "max_views": 4, "memory": { "size": 8, "pixel_update_freq": 3, "samples": 5 } }
              }
            },
            "projection_head": { "type": "ProjectionHead", "dim": 8 }
          },
          "train": {
            "loop": "iterations", "iterations": 6, "validate_every": 0, "loader": { "batch_size": 4, "workers": 0 },
            "dataset": {
              "type": "Shapes", "task": "segmentation", "count": 40, "size": 32,
              "pipeline": [{ "type": "LoadImage" }, { "type": "LoadSegmentation" }, { "type": "RandomFlip" }, { "type": "Normalize" }]
            }
          },
          "optimizer": { "type": "Sgd", "lr": 0.01, "momentum": 0.9 },
          "hooks": { "log": { "type": "LogHook", "interval": 1 }, "checkpoint": { "type": "CheckpointHook", "every_iterations": 3 } }
        }
        """;

    [Fact]
    public void Train_Resumed_HasTheLossesAndQueuesOfAnUninterruptedRun()
    {
        using var run = new TrainingRun();
        var config = run.Write("config.json", Config);
        string[] Train(string workDir, params string[] more) =>
            ["train", config, "--work-dir", run.At(workDir), "--device", "cpu", .. more];
        Tool.Run(Train("whole")).Succeeds();
        Directory.CreateDirectory(run.At("half"));
        File.Copy(run.At("whole", "iter_3.safetensors"), run.At("half", "iter_3.safetensors"));
        File.WriteAllText(run.At("half", "last_checkpoint"), "iter_3.safetensors");
        Tool.Run(Train("half", "--resume")).Succeeds();
        foreach (
            var value in new[]
            {
                "decode.contrast",
                "loss",
                "memory/fill",
                "memory/age",
                "memory/similarity_within",
                "memory/similarity_between",
                "memory/fill/background",
            }
        )
        {
            var half = TrainingRun.Losses(run.At("half"), value: value);
            Assert.Equal([4, 5, 6], half.Keys);
            Assert.Equal(TrainingRun.Losses(run.At("whole"), value: value).Where(row => row.Key > 3), half);
        }

        Tool.Run(Train("half", "--resume", "--cfg-options", "model.projection_head.dim=16"))
            .IsMistake("holds embeddings of 8 values, the projection head gives 16: set model.projection_head.dim to 8");
    }
}
