using System.Diagnostics;
using System.Globalization;
using Tessera.Predictions;

namespace Tessera.Tests.Tools.Running;

public sealed class DistributedTests
{
    private const string Linear =
        """{ "type": "ImageClassifier", "backbone": { "type": "Pixels" }, "head": { "type": "LinearHead", "pooling": "none", "map_size": 256 } }""";

    // With a norm that shows but one value a process and image (the pooled map of ASPP).
    private const string Norms = """
        { "type": "Segmentor", "backbone": { "type": "CifarResNet", "depth": 8, "stage_channels": [4, 4, 4] },
          "decode_head": { "type": "AsppHead", "channels": 4, "dilations": [1, 2], "dropout": 0 } }
        """;

    private static string Config(int batchSize) =>
        $$"""
            {
              "seed": 5, "threads": 1, "precision": "fp32",
              "model": {{Linear}},
              "train": {
                "epochs": 2, "clip_grad": { "norm": 1.0 },
                "loader": { "batch_size": {{batchSize}}, "sampler": { "type": "RandomSampler" } },
                "dataset": { "type": "Shapes", "count": 64, "size": 16, "pipeline": [ { "type": "RandomFlip" }, { "type": "Normalize" } ] }
              },
              "val": {
                "loader": { "batch_size": 5 },
                "dataset": { "type": "Shapes", "count": 21, "size": 16, "split": "val", "pipeline": [ { "type": "Normalize" } ] },
                "metrics": { "accuracy": { "type": "Accuracy" } }
              },
              "optimizer": { "type": "Sgd", "lr": 0.1, "momentum": 0.9 },
              "hooks": { "log": { "type": "LogHook", "interval": 1 }, "checkpoint": { "type": "CheckpointHook", "every_epochs": 1 } }
            }
            """;

    [MpiFact]
    public void TwoProcesses_ReachTheWeightsOfOneWithTheDoubledBatch()
    {
        using var run = new TrainingRun();
        run.Finish(run.Start(run.Write("one.json", Config(8)), run.At("one")));

        TrainByTwo(run, run.Write("two.json", Config(4)));

        // Only rank 0 writes: one folder of logs, no row twice. Sums of floats in another order: not the same bits, but nearly.
        Assert.Single(Directory.GetFiles(run.At("two"), "scalars.jsonl", SearchOption.AllDirectories));
        Assert.Equal(16, TrainingRun.Losses(run.At("two")).Count);
        foreach (var (iteration, loss) in TrainingRun.Losses(run.At("one")))
            Assert.Equal(Number(loss), Number(TrainingRun.Losses(run.At("two"))[iteration]), 1e-5);
        Assert.Equal(TrainingRun.Losses(run.At("one"), "val", "accuracy/top1"), TrainingRun.Losses(run.At("two"), "val", "accuracy/top1"));
        var (a, b) = (Weights(run.At("one")), Weights(run.At("two")));
        Assert.Equal(a.Length, b.Length);
        Assert.True(a.Zip(b, (x, y) => Math.Abs(x - y)).Max() < 1e-5);

        // The first process stores what both have predicted.
        var (one, two) = (PredictionFile.Open(run.At("one")), PredictionFile.Open(run.At("two")));
        Assert.Equal((21, one.DataHash), (two.Images.Count, two.DataHash));
        Assert.Equal(one.Metrics["accuracy/top1"], two.Metrics["accuracy/top1"]);
    }

    [MpiFact]
    public void TwoProcesses_SynchronizedNorms_ReachTheWeightsAndStatisticsOfOneWithTheDoubledBatch()
    {
        // One image a process, and no two rates: what the norms subtract is all that could make a difference.
        static string Segmentation(int batchSize) =>
            Config(batchSize)
                .Replace(Linear, Norms, StringComparison.Ordinal)
                .Replace("\"size\": 16", "\"size\": 16, \"task\": \"segmentation\"", StringComparison.Ordinal)
                .Replace("\"count\": 64", "\"count\": 8", StringComparison.Ordinal)
                .Replace("\"pipeline\": [", "\"pipeline\": [ { \"type\": \"LoadSegmentation\" },", StringComparison.Ordinal)
                .Replace("\"Accuracy\"", "\"MeanIoU\"", StringComparison.Ordinal)
                .Replace("\"epochs\": 2,", "\"epochs\": 2, \"sync_bn\": true,", StringComparison.Ordinal);

        using var run = new TrainingRun();
        run.Finish(run.Start(run.Write("one.json", Segmentation(2)), run.At("one")));
        TrainByTwo(run, run.Write("two.json", Segmentation(1)));
        foreach (var (iteration, loss) in TrainingRun.Losses(run.At("one")))
            Assert.Equal(Number(loss), Number(TrainingRun.Losses(run.At("two"))[iteration]), 1e-4);
        var (a, b) = (Weights(run.At("one")), Weights(run.At("two")));
        Assert.Equal(a.Length, b.Length);
        Assert.True(a.Zip(b, (x, y) => Math.Abs(x - y)).Max() < 1e-4);

        // And without, they don't.
        TrainByTwo(
            run,
            run.Write("apart.json", Segmentation(1).Replace("\"sync_bn\": true", "\"sync_bn\": false", StringComparison.Ordinal)),
            "apart"
        );
        Assert.True(a.Zip(Weights(run.At("apart")), (x, y) => Math.Abs(x - y)).Max() > 1e-2);
    }

    // Blocks whose gradients travel while backward runs; batch norms keep to their running statistics.
    [MpiTheory]
    [InlineData(
        """{ "type": "VisionTransformer", "embed_dim": 24, "depth": 4, "num_heads": 2, "image_size": 16, "patch_size": 4 }""",
        """{ "type": "LinearHead" }"""
    )]
    [InlineData("""{ "type": "ResNet", "depth": 18, "base_channels": 8, "stem": "small" }""", """{ "type": "LinearHead" }""")]
    public void TwoProcesses_TravellingGradients_AreThoseAveragedAfterBackward(string backbone, string head)
    {
        string Config(int batchSize) =>
            DistributedTests
                .Config(batchSize)
                .Replace(
                    Linear,
                    $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": {{head}} }""",
                    StringComparison.Ordinal
                )
                .Replace("\"count\": 64", "\"count\": 32", StringComparison.Ordinal)
                .Replace(
                    "\"epochs\": 2,",
                    backbone.Contains("ResNet", StringComparison.Ordinal) ? "\"epochs\": 2, \"norm_eval\": [\"*\"]," : "\"epochs\": 2,",
                    StringComparison.Ordinal
                );

        using var run = new TrainingRun();
        run.Finish(run.Start(run.Write("one.json", Config(8)), run.At("one")));
        var two = run.Write("two.json", Config(4));
        TrainByTwo(run, two, more: ["--cfg-options", "processes.bucket_mb=0.01"]);
        var said = System.Text.RegularExpressions.Regex.Match(run.Output, @"Gradients travel while backward runs: (\d+) of (\d+) buckets");
        Assert.True(said.Success && said.Groups[1].Value is not "0", run.Output);
        TrainByTwo(run, two, "after", more: ["--cfg-options", "processes.overlap=false"]);
        Assert.DoesNotContain("Gradients travel", run.Output, StringComparison.Ordinal);

        var (one, travelled, after) = (Weights(run.At("one")), Weights(run.At("two")), Weights(run.At("after")));
        Assert.Equal(after, travelled); // a sum of two is the same in any order
        Assert.Equal(one.Length, travelled.Length);
        Assert.True(one.Zip(travelled, (x, y) => Math.Abs(x - y)).Max() < 1e-5);
    }

    [MpiFact]
    public void TwoProcesses_Resumed_EqualTheUninterruptedRun()
    {
        using var run = new TrainingRun();
        var config = run.Write("two.json", Config(4));
        TrainByTwo(run, config, "whole");
        TrainByTwo(run, config, "resumed", more: ["--cfg-options", "train.epochs=1"]);
        TrainByTwo(run, config, "resumed", resume: true);
        Assert.Contains("Resumed from ", run.Output, StringComparison.Ordinal);
        Assert.Equal(TrainingRun.Losses(run.At("whole")), TrainingRun.Losses(run.At("resumed")));
        Assert.Equal(Weights(run.At("whole")), Weights(run.At("resumed")));

        // Another number of processes would see other batches.
        using var alone = run.Start(config, run.At("resumed"), resume: true);
        Assert.True(alone.WaitForExit(TimeSpan.FromMinutes(2)));
        alone.WaitForExit();
        Assert.Equal(1, alone.ExitCode);
        Assert.Contains("2 processes; this run has 1", run.Output, StringComparison.Ordinal);
    }

    [MpiFact]
    public void OneProcessKilled_EndsTheOthers()
    {
        using var run = new TrainingRun();
        using var mpirun = run.StartTogether(
            2,
            run.Write("long.json", Config(4)),
            run.At("killed"),
            more: ["--cfg-options", "train.epochs=100000"]
        );
        WaitFor(
            () => Directory.Exists(run.At("killed")) && Directory.EnumerateFiles(run.At("killed"), "epoch_1.safetensors").Any(),
            mpirun,
            run
        );
        var ranks = Children(mpirun.Id);
        Assert.Equal(2, ranks.Count);
        using (var victim = Process.GetProcessById(ranks[1]))
            victim.Kill(); // SIGKILL
        Assert.NotEqual(0, ExitCode(mpirun, run, seconds: 30));
        Assert.Contains("exited on signal 9 (Killed)", run.Output, StringComparison.Ordinal); // mpirun's own words
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
        var clock = Stopwatch.StartNew();
        while (ranks.Any(Lives) && clock.Elapsed < TimeSpan.FromSeconds(10))
            Thread.Sleep(100);
        Assert.All(ranks, rank => Assert.False(Lives(rank), $"process {rank} lives on"));
    }

    // As a queue's warning before its time limit may reach one process first, or alone.
    [MpiFact]
    public void OneProcessToldToStop_StopsAllAfterTheSameIteration()
    {
        using var run = new TrainingRun();
        var config = run.Write("long.json", Config(4).Replace("\"every_epochs\": 1", "\"every_epochs\": 100000", StringComparison.Ordinal));
        using var mpirun = run.StartTogether(2, config, run.At("told"), more: ["--cfg-options", "train.epochs=100000"]);
        WaitFor(() => run.Output.Contains("iter 12/", StringComparison.Ordinal), mpirun, run);
        using (var kill = Process.Start("kill", ["-TERM", Children(mpirun.Id)[1].ToString(CultureInfo.InvariantCulture)]))
            kill.WaitForExit();
        Assert.True(ExitCode(mpirun, run, seconds: 60) == 0, run.Output);
        var last = TrainingRun.Losses(run.At("told")).Keys.Max();
        Assert.Contains($"Ended at iteration {last}: interrupted", run.Output, StringComparison.Ordinal);
        run.Finish(run.StartTogether(2, config, run.At("told"), resume: true, "--cfg-options", $"train.epochs={last / 8 + 1}"));
        Assert.Contains($": iteration {last}, ", run.Output, StringComparison.Ordinal);
    }

    [MpiFact]
    public void MistakeInOneProcess_EndsTheOthers()
    {
        using var run = new TrainingRun();
        var good = run.Write("good.json", Config(4));
        var bad = run.Write(
            "bad.json",
            Config(4)
                .Replace(
                    "\"type\": \"Shapes\", \"count\": 64, \"size\": 16",
                    "\"type\": \"ImageFolder\", \"path\": \"nowhere\"",
                    StringComparison.Ordinal
                )
        );
        var start = Mpirun.Start(1, TrainingRun.Command(good, run.At("apart")));
        foreach (var argument in (string[])[":", "-np", "1", "dotnet", .. TrainingRun.Command(bad, run.At("apart"))])
            start.ArgumentList.Add(argument);
        using var mpirun = run.Start(start);
        Assert.Equal(1, ExitCode(mpirun, run, seconds: 60));
        Assert.Contains("nowhere", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Done:", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
    }

    // Each step makes the weights a thousand million times larger. Both processes find that the loss is not finite, and none waits for the
    // other.
    [MpiFact]
    public void LossThatIsNotFinite_EndsBoth()
    {
        using var run = new TrainingRun();
        using var mpirun = run.StartTogether(
            2,
            run.Write("steep.json", Config(4)),
            run.At("steep"),
            more: ["--cfg-options", "optimizer.lr=1000000", "optimizer.weight_decay=1000", "train.clip_grad=null"]
        );
        Assert.Equal(1, ExitCode(mpirun, run, seconds: 60));
        Assert.Contains("finite", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
    }

    private static void TrainByTwo(TrainingRun run, string config, string name = "two", bool resume = false, params string[] more)
    {
        using var mpirun = run.StartTogether(2, config, run.At(name), resume, more);
        run.Finish(mpirun);
    }

    private static int ExitCode(Process mpirun, TrainingRun run, int seconds)
    {
        if (!mpirun.WaitForExit(TimeSpan.FromSeconds(seconds)))
        {
            mpirun.Kill(entireProcessTree: true);
            Assert.Fail($"A process waits for one that has ended.\n{run.Output}");
        }
        mpirun.WaitForExit(); // the output's end
        return mpirun.ExitCode;
    }

    private static void WaitFor(Func<bool> condition, Process process, TrainingRun run)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(!process.HasExited && clock.Elapsed < TimeSpan.FromMinutes(3), run.Output);
            Thread.Sleep(50);
        }
    }

    private static List<int> Children(int parent) =>
        [.. Process.GetProcesses().Select(process => process.Id).Where(id => ParentOf(id) == parent).Order()];

    /// <summary>One that has ended stays a zombie until its parent looks.</summary>
    private static bool Lives(int process)
    {
        try
        {
            return !File.ReadLines($"/proc/{process}/status")
                .Any(line => line.StartsWith("State:", StringComparison.Ordinal) && line.Contains('Z', StringComparison.Ordinal));
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static int ParentOf(int process)
    {
        try
        {
            return int.Parse(
                File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..],
                CultureInfo.InvariantCulture
            );
        }
        catch (IOException)
        {
            return 0; // it has ended meanwhile
        }
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static float[] Weights(string workDir) =>
        [
            .. TrainingRun
                .Tensors(Path.Combine(workDir, "epoch_2.safetensors"), "model.")
                .Values.SelectMany(bytes => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray()),
        ];
}
