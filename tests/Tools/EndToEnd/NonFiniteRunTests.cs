using Tessera.Tests.Tools.Advice;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Runs whose numbers go wrong, for every task: stopped, named, replayed by the tool; and batches of one image, which go
/// right.</summary>
[Collection(InProcess.Name)]
public sealed class NonFiniteRunTests : IDisposable
{
    private readonly AdviceFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Config(string task) =>
        task switch
        {
            "classifier" => _folder.Classifier(),
            "multi_label" => _folder.MultiLabel(),
            "regression" => _folder.Regression(),
            "segmentor" => _folder.Segmentor(),
            "panoptic" => _folder.Queries("panoptic"),
            "masks" => _folder.Queries("detection"),
            _ => _folder.Detector(),
        };

    [Theory]
    [InlineData("classifier")]
    [InlineData("multi_label")]
    [InlineData("regression")]
    [InlineData("segmentor")]
    [InlineData("detector")]
    [InlineData("panoptic")]
    [InlineData("masks")]
    public void Loss_ThatIsNotFinite_IsReplayedByTheToolOfTheMessage(string task)
    {
        // Pixels of up to 2.55e38: the first convolution's sums overflow, or its norm's.
        var said = _folder.Train(
            Config(task),
            "train.dataset.pipeline.1.std=[1e-36, 1e-36, 1e-36]",
            "train.dataset.pipeline.1.mean=[0, 0, 0]"
        );
        said.IsMistake("The loss is not finite at iteration 0", "First module with such an output: backbone.", "tools/replay-nonfinite ");
        var file = System.Text.RegularExpressions.Regex.Match(said.Error, @"tools/replay-nonfinite (\S+) runs").Groups[1].Value;
        var module = System
            .Text.RegularExpressions.Regex.Match(said.Error, @"First module with such an output: (\S+ \(\w+\))\.")
            .Groups[1]
            .Value;
        var replayed = Tool.Run("replay-nonfinite", file).Succeeds();
        Assert.Contains("replayed   on cpu: Term: ", replayed.Output, StringComparison.Ordinal);
        Assert.Contains($"First module with such an output: {module}.", replayed.Output.Split("replayed")[1], StringComparison.Ordinal);
        Assert.Contains("4 images: shapes/train/", replayed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Replay_OfAnotherFile_IsAMistake()
    {
        _folder.Train(_folder.Classifier()).Succeeds();
        Tool.Run("replay-nonfinite", _folder.At("run0/epoch_1.safetensors"))
            .IsMistake("was not saved by a run that met a loss that isn't finite");
        Tool.Run("replay-nonfinite", _folder.At("gone.safetensors")).IsMistake("There is no such file");
        Tool.Run("replay-nonfinite", _folder.Write("text.safetensors", "text")).IsMistake("no file of weights");
    }

    [Theory]
    [InlineData("classifier", "model.backbone.strides=[2, 2, 2, 2]\ntrain.dataset.size=16")] // maps of one pixel at the end
    [InlineData("classifier", "model.backbone={\"_delete_\": true, \"type\": \"HRNet\", \"arch\": \"w18_small\"}")]
    [InlineData("segmentor", "model.decode_head={\"_delete_\": true, \"type\": \"PspHead\", \"channels\": 8}")] // pooled to one pixel
    [InlineData("segmentor", "model.decode_head={\"_delete_\": true, \"type\": \"AsppHead\", \"channels\": 8}")]
    public void LastBatchOfOneImage_TrainsAndIsSavedFinite(string task, string changes)
    {
        var said = _folder.Train(
            Config(task),
            [.. changes.Split('\n'), "train.dataset.count=5", "val=null", "hooks.checkpoint={\"type\": \"CheckpointHook\"}"]
        );
        said.Succeeds();
        foreach (var (name, bytes) in Running.TrainingRun.Tensors(_folder.At("run0/epoch_1.safetensors"), "model."))
            if (name.Contains("running_", StringComparison.Ordinal))
                Assert.All(
                    System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray(),
                    value => Assert.True(float.IsFinite(value), name)
                );
    }

    [Fact]
    public void BatchesOfOneImage_WhoseMapsHaveOnePixel_AreToldByTheDoctor_WhoseRemedyHelps()
    {
        var config = _folder.Classifier();
        string[] small = ["model.backbone.strides=[2,2,2,2]", "train.dataset.size=16", "val.dataset.size=16"];
        const string warning = "a batch of 1 shows 3 batch norms a single value for each channel (backbone.layer4.0.bn1, ";
        Assert.Contains(
            warning,
            Tool.Run(["doctor", config, "--cfg-options", "train.loader.batch_size=1", .. small]).Succeeds().Output,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(
            "a single value",
            Tool.Run(["doctor", config, "--cfg-options", .. small]).Succeeds().Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void LastBatchOfOneImage_IsToldByTheDoctor_WhoseRemedyHelps()
    {
        const string warning = "the last batch of each epoch holds a single image (5 samples in batches of 4)";
        var config = _folder.Classifier();
        var said = Tool.Run("doctor", config, "--cfg-options", "train.dataset.count=5").Succeeds();
        Assert.Contains(warning, said.Output, StringComparison.Ordinal);
        Assert.Contains("train.loader.drop_last=true", said.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(
            warning,
            Tool.Run("doctor", config, "--cfg-options", "train.dataset.count=5", "train.loader.drop_last=true").Succeeds().Output,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(
            "single image",
            Tool.Run("doctor", config, "--cfg-options", "train.dataset.count=6").Succeeds().Output,
            StringComparison.Ordinal
        );
    }
}
