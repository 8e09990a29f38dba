using Tessera.Tests.Tools.Running;

namespace Tessera.Tests.Tools.EndToEnd;

[Collection(InProcess.Name)]
public sealed class TocoResumeTests
{
    private const string Config = """
        {
          "model": {
            "type": "Toco", "projector_width": 16, "projector_dim": 8, "local_crops": 3, "local_crop_size": 16, "seg_start": 1,
            "backbone": {
              "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 2, "image_size": 32, "patch_size": 8,
              "features": "maps", "out_indices": [0, 2], "give_class_token": true
            }
          },
          "train": {
            "loop": "iterations", "iterations": 6, "validate_every": 0, "loader": { "batch_size": 4, "workers": 0 },
            "dataset": {
              "type": "Shapes", "task": "multi_label", "count": 40, "size": 32,
              "pipeline": [{ "type": "LoadImage" }, { "type": "RandomFlip" }, { "type": "Normalize" }]
            }
          },
          "optimizer": { "type": "AdamW", "lr": 0.001 },
          "hooks": { "log": { "type": "LogHook", "interval": 1 }, "checkpoint": { "type": "CheckpointHook", "every_iterations": 3 } }
        }
        """;

    [Fact]
    public void Train_Resumed_HasTheLossesOfAnUninterruptedRun()
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
        foreach (var value in new[] { "cls", "cls_aux", "ptc", "ctc", "loss" }) // the last with the segmentation's, from iteration 3 on
        {
            var half = TrainingRun.Losses(run.At("half"), value: value);
            Assert.Equal([4, 5, 6], half.Keys);
            Assert.Equal(TrainingRun.Losses(run.At("whole"), value: value).Where(row => row.Key > 3), half);
        }
    }
}
