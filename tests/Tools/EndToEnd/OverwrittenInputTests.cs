using Tessera.Framework.Data;
using Tessera.Tests.Tools.Predictions;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>A tool that is told to write where it reads refuses, and the file stays as it was.</summary>
[Collection(InProcess.Name)]
public sealed class OverwrittenInputTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    [Fact]
    public void Checkpoint_AsOutput_IsRefused()
    {
        var checkpoint = runs.Checkpoint(DataTask.Classification);
        var config = runs.ConfigOf(DataTask.Classification);
        var before = File.ReadAllBytes(checkpoint);
        Tool.Run("publish", checkpoint, checkpoint).IsMistake("which is CHECKPOINT itself");
        Tool.Run("merge-adapter", checkpoint, checkpoint).IsMistake("which is CHECKPOINT itself");
        Tool.Run("extract-features", config, checkpoint, checkpoint).IsMistake("which is CHECKPOINT itself");
        Tool.Run("find-threshold", config, checkpoint, "--out-checkpoint", checkpoint).IsMistake("which is CHECKPOINT itself");
        var (train, val) = (runs.At("train.features.safetensors"), runs.At("val.features.safetensors"));
        Tool.Run("extract-features", config, checkpoint, train, "--split", "train").Succeeds();
        Tool.Run("extract-features", config, checkpoint, val, "--split", "val").Succeeds();
        Tool.Run("linear-probe", train, val, "--checkpoint", checkpoint, "--save", checkpoint).IsMistake("which is --checkpoint itself");
        Assert.Equal(before, File.ReadAllBytes(checkpoint));
    }
}
