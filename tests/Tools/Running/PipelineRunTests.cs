using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tessera.Tests.Tools.Running;

/// <summary>tools/train with a model in stages.</summary>
public sealed class PipelineRunTests
{
    private const string Vit =
        """{ "type": "VisionTransformer", "embed_dim": 24, "depth": 4, "num_heads": 2, "image_size": 16, "patch_size": 4 }""";

    private const string ResNet = """{ "type": "ResNet", "depth": 18, "base_channels": 8, "stem": "small" }""";

    private static string Config(string backbone, string pipeline = "null", string more = "") =>
        $$"""
            {
              "seed": 5, "threads": 1, "precision": "fp32",
              "model": { "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } },
              "pipeline": {{pipeline}},
              "train": {
                "epochs": 2, "clip_grad": { "norm": 1.0 }, {{(backbone == ResNet ? "\"norm_eval\": [\"*\"]," : "")}} {{more}}
                "loader": { "batch_size": 8, "sampler": { "type": "RandomSampler" } },
                "dataset": { "type": "Shapes", "count": 32, "size": 16, "pipeline": [ { "type": "RandomFlip" }, { "type": "Normalize" } ] }
              },
              "val": {
                "loader": { "batch_size": 5 },
                "dataset": { "type": "Shapes", "count": 21, "size": 16, "split": "val", "pipeline": [ { "type": "Normalize" } ] },
                "metrics": { "accuracy": { "type": "Accuracy" } }
              },
              "optimizer": { "type": "Sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.0001 },
              "hooks": { "log": { "type": "LogHook", "interval": 1 }, "checkpoint": { "type": "CheckpointHook", "every_epochs": 1 } }
            }
            """;

    [MpiTheory]
    [InlineData(Vit, 4)]
    [InlineData(ResNet, 2)]
    public void TwoStages_ReachTheWeightsOfOneProcess(string backbone, int microBatches)
    {
        using var run = new TrainingRun();
        run.Finish(run.Start(run.Write("one.json", Config(backbone)), run.At("one")));
        TrainByTwo(run, run.Write("two.json", Config(backbone, $$"""{ "stages": 2, "micro_batches": {{microBatches}} }""")), run.At("two"));
        Assert.Contains("Stage 0: steps 0 to ", run.Output, StringComparison.Ordinal);
        Assert.Contains("Stage 1: steps ", run.Output, StringComparison.Ordinal);

        // The whole model, and what the optimizer remembers of every parameter.
        Near(Tensors(run.At("one", "epoch_2.safetensors")), Tensors(run.At("two", "epoch_2.safetensors")), 2e-5);
        Assert.Equal(8, TrainingRun.Losses(run.At("two")).Count);
        foreach (var (iteration, loss) in TrainingRun.Losses(run.At("one")))
            Assert.Equal(Number(loss), Number(TrainingRun.Losses(run.At("two"))[iteration]), 1e-5);
        Assert.Equal(TrainingRun.Losses(run.At("one"), "val", "accuracy/top1"), TrainingRun.Losses(run.At("two"), "val", "accuracy/top1"));
    }

    [MpiFact]
    public void TwoStages_Resumed_EqualTheUninterruptedRun_AndGoOnInOneProcess()
    {
        using var run = new TrainingRun();
        var config = run.Write("two.json", Config(Vit, """{ "stages": 2, "micro_batches": 2, "cuts": [3] }"""));
        TrainByTwo(run, config, run.At("whole"));
        TrainByTwo(run, config, run.At("resumed"), more: ["--cfg-options", "train.epochs=1"]);
        CopyFolder(run.At("resumed"), run.At("alone"));
        TrainByTwo(run, config, run.At("resumed"), resume: true);
        Assert.Contains("Resumed from ", run.Output, StringComparison.Ordinal);
        Assert.Equal(TrainingRun.Losses(run.At("whole")), TrainingRun.Losses(run.At("resumed")));
        Assert.Equal(Tensors(run.At("whole", "epoch_2.safetensors")), Tensors(run.At("resumed", "epoch_2.safetensors")));

        // The checkpoint holds the momentum of both stages.
        using var process = run.Start(config, run.At("alone"), resume: true, more: ["--cfg-options", "pipeline=null"]);
        run.Finish(process);
        Near(Tensors(run.At("whole", "epoch_2.safetensors")), Tensors(run.At("alone", "epoch_2.safetensors")), 2e-5);
    }

    // Both processes find that the loss is not finite, and none waits for the other.
    [MpiFact]
    public void LossThatIsNotFinite_EndsBoth()
    {
        using var run = new TrainingRun();
        using var mpirun = run.StartTogether(
            2,
            run.Write("steep.json", Config(Vit, """{ "stages": 2, "micro_batches": 2, "cuts": [3] }""")),
            run.At("steep"),
            more: ["--cfg-options", "optimizer.lr=1000000", "optimizer.weight_decay=1000", "train.clip_grad=null", "train.epochs=20"]
        );
        Assert.True(mpirun.WaitForExit(TimeSpan.FromSeconds(90)), run.Output);
        mpirun.WaitForExit();
        Assert.Equal(1, mpirun.ExitCode);
        Assert.Contains("finite", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "stages": 2 }""", Vit, "", "2 stages take 2 processes, and this run has 1")]
    public void OneProcess_WhatCannotBeDone_IsAMistake(string pipeline, string backbone, string more, string message)
    {
        using var run = new TrainingRun();
        using var process = run.Start(run.Write("config.json", Config(backbone, pipeline, more)), run.At("run"));
        Fails(process, run, message);
    }

    [MpiTheory]
    [InlineData("""{ "stages": 3 }""", Vit, "", "3 stages take 3 processes, and this run has 2")]
    [InlineData("""{ "stages": 2, "micro_batches": 3 }""", Vit, "", "3 micro-batches don't divide train.loader.batch_size, 8")]
    [InlineData("""{ "stages": 2 }""", """{ "type": "Pixels" }""", "", "Pixels can't be cut into stages")]
    [InlineData("""{ "stages": 2 }""", Vit, "\"accumulate\": 2, \"tune\": \"lp_ft\", \"tune_head_for\": 1,", "train.accumulate: ")]
    public void TwoProcesses_WhatCannotBeDone_IsAMistake(string pipeline, string backbone, string more, string message)
    {
        using var run = new TrainingRun();
        using var mpirun = run.StartTogether(2, run.Write("config.json", Config(backbone, pipeline, more)), run.At("run"));
        Fails(mpirun, run, message);
    }

    private static void Fails(Process process, TrainingRun run, string message)
    {
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(90)), run.Output);
        process.WaitForExit();
        Assert.Equal(1, process.ExitCode);
        Assert.Contains(message, run.Output.ReplaceLineEndings(" ").Replace("  ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
    }

    private static void TrainByTwo(TrainingRun run, string config, string workDir, bool resume = false, params string[] more)
    {
        using var mpirun = run.StartTogether(2, config, workDir, resume, more);
        run.Finish(mpirun);
    }

    /// <summary>Weights and what the optimizer remembers.</summary>
    private static SortedDictionary<string, byte[]> Tensors(string path)
    {
        var tensors = TrainingRun.Tensors(path, "model.");
        foreach (var (name, bytes) in TrainingRun.Tensors(path, "optimizer"))
            tensors.Add(name, bytes);
        Assert.Contains(tensors.Keys, name => name.StartsWith("optimizer", StringComparison.Ordinal));
        return tensors;
    }

    private static void Near(SortedDictionary<string, byte[]> expected, SortedDictionary<string, byte[]> actual, double tolerance)
    {
        Assert.Equal(expected.Keys, actual.Keys);
        foreach (var (name, bytes) in expected)
        {
            if (name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                continue;
            var (a, b) = (MemoryMarshal.Cast<byte, float>(bytes).ToArray(), MemoryMarshal.Cast<byte, float>(actual[name]).ToArray());
            var difference = a.Zip(b, (x, y) => Math.Abs(x - y)).Max();
            Assert.True(difference < tolerance, $"{name} differs by {difference}");
        }
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
