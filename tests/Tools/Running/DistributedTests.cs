using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Tessera.Tests.Tools.Running;

public sealed class DistributedTests
{
    private const string Linear = """{ "type": "ImageClassifier", "backbone": { "type": "Pixels" }, "head": { "type": "LinearHead", "pooling": "none", "map_size": 256 } }""";

    // With a norm that shows but one value a process and image (the pooled map of ASPP).
    private const string Norms = """
        { "type": "Segmentor", "backbone": { "type": "CifarResNet", "depth": 8, "stage_channels": [4, 4, 4] },
          "decode_head": { "type": "AsppHead", "channels": 4, "dilations": [1, 2], "dropout": 0 } }
        """;

    private static string Config(int batchSize) => $$"""
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

    [Fact]
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
    }

    [Fact]
    public void TwoProcesses_SynchronizedNorms_ReachTheWeightsAndStatisticsOfOneWithTheDoubledBatch()
    {
        // One image a process, and no two rates: what the norms subtract is all that could make a difference.
        static string Segmentation(int batchSize) => Config(batchSize).Replace(Linear, Norms, StringComparison.Ordinal)
            .Replace("\"size\": 16", "\"size\": 16, \"task\": \"segmentation\"", StringComparison.Ordinal).Replace("\"count\": 64", "\"count\": 8", StringComparison.Ordinal)
            .Replace("\"pipeline\": [", "\"pipeline\": [ { \"type\": \"LoadSegmentation\" },", StringComparison.Ordinal)
            .Replace("\"Accuracy\"", "\"MeanIoU\"", StringComparison.Ordinal).Replace("\"epochs\": 2,", "\"epochs\": 2, \"sync_bn\": true,", StringComparison.Ordinal);

        using var run = new TrainingRun();
        run.Finish(run.Start(run.Write("one.json", Segmentation(2)), run.At("one")));
        TrainByTwo(run, run.Write("two.json", Segmentation(1)));
        foreach (var (iteration, loss) in TrainingRun.Losses(run.At("one")))
            Assert.Equal(Number(loss), Number(TrainingRun.Losses(run.At("two"))[iteration]), 1e-4);
        var (a, b) = (Weights(run.At("one")), Weights(run.At("two")));
        Assert.Equal(a.Length, b.Length);
        Assert.True(a.Zip(b, (x, y) => Math.Abs(x - y)).Max() < 1e-4);

        // And without, they don't.
        TrainByTwo(run, run.Write("apart.json", Segmentation(1).Replace("\"sync_bn\": true", "\"sync_bn\": false", StringComparison.Ordinal)), "apart");
        Assert.True(a.Zip(Weights(run.At("apart")), (x, y) => Math.Abs(x - y)).Max() > 1e-2);
    }

    private static void TrainByTwo(TrainingRun run, string config, string name = "two")
    {
        var port = FreePort();
        var processes = Enumerable.Range(0, 2).Select(rank => run.Start(config, run.At(name), environment: new Dictionary<string, string>
        {
            ["RANK"] = rank.ToString(CultureInfo.InvariantCulture), ["WORLD_SIZE"] = "2", ["MASTER_ADDR"] = "127.0.0.1", ["MASTER_PORT"] = port.ToString(CultureInfo.InvariantCulture),
        })).ToArray();
        foreach (var process in processes) run.Finish(process);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static float[] Weights(string workDir) => [.. TrainingRun.Tensors(Path.Combine(workDir, "epoch_2.safetensors"), "model.").Values
        .SelectMany(bytes => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray())];

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
