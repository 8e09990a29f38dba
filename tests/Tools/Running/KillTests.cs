namespace Tessera.Tests.Tools.Running;

/// <summary>Kill -9 at any moment, resume, and nothing differs.</summary>
public sealed class KillTests
{
    // Augmentation, dropout, several loader threads, EMA, a schedule; checkpoints fall in the middle of epochs.
    private const string Config = """
        {
          "seed": 5, "threads": 2, "precision": "fp32",
          "model": {
            "type": "ImageClassifier",
            "backbone": { "type": "VisionTransformer", "arch": "tiny", "image_size": 32, "patch_size": 8, "depth": 2, "dropout": 0.1, "drop_path": 0.1 },
            "head": { "type": "LinearHead" }
          },
          "train": {
            "epochs": 3, "clip_grad": { "norm": 1.0 },
            "loader": { "batch_size": 4, "workers": 3, "sampler": { "type": "RandomSampler" } },
            "dataset": { "type": "Shapes", "count": 64, "size": 32, "pipeline": [ { "type": "RandomFlip" }, { "type": "ColorJitter" }, { "type": "Normalize" } ] }
          },
          "val": {
            "loader": { "batch_size": 8 },
            "dataset": { "type": "Shapes", "count": 16, "size": 32, "split": "val", "pipeline": [ { "type": "Normalize" } ] },
            "metrics": { "accuracy": { "type": "Accuracy" } }
          },
          "optimizer": { "type": "AdamW", "lr": 0.001, "groups": { "norm": { "decay_mult": 0 } } },
          "schedule": [ { "type": "LinearLr", "until": 10, "start_factor": 0.01 }, { "type": "CosineLr" } ],
          "hooks": {
            "ema": { "type": "EmaHook", "decay": 0.99 },
            "log": { "type": "LogHook", "interval": 1 },
            "checkpoint": { "type": "CheckpointHook", "every_iterations": 5, "keep": 2 }
          }
        }
        """;

    [Fact]
    public void Resume_AfterKillsAtRandomPoints_EqualsTheUninterruptedRun()
    {
        using var run = new TrainingRun();
        var config = run.Write("config.json", Config);
        run.Finish(run.Start(config, run.At("whole")));
        var expected = TrainingRun.Losses(run.At("whole"));
        Assert.Equal(48, expected.Count);

        var random = new Random(48);
        var killed = run.At("killed");
        var kills = 0;
        foreach (var after in new[] { random.Next(6, 16), random.Next(20, 31), random.Next(33, 47) })
        {
            using var process = run.Start(config, killed, resume: true);
            while (!process.HasExited && Rows(killed) < after)
                Thread.Sleep(5);
            if (process.HasExited)
                break;
            Thread.Sleep(random.Next(0, 40));
            process.Kill(); // SIGKILL
            process.WaitForExit();
            kills++;
        }
        Assert.True(kills >= 2, run.Output);
        run.Finish(run.Start(config, killed, resume: true));

        Assert.Equal(expected, TrainingRun.Losses(killed));
        Assert.Equal(TrainingRun.Losses(run.At("whole"), "val", "accuracy/top1"), TrainingRun.Losses(killed, "val", "accuracy/top1"));
        var (whole, resumed) = (TrainingRun.Tensors(Last(run.At("whole"))), TrainingRun.Tensors(Last(killed)));
        Assert.Equal(whole.Keys, resumed.Keys);
        Assert.Contains(whole.Keys, name => name.StartsWith("hooks.ema.ema.", StringComparison.Ordinal));
        Assert.All(whole, entry => Assert.True(entry.Value.AsSpan().SequenceEqual(resumed[entry.Key]), entry.Key));
    }

    private static string Last(string workDir) => Path.Combine(workDir, File.ReadAllText(Path.Combine(workDir, "last_checkpoint")).Trim());

    private static long Rows(string workDir)
    {
        if (!Directory.Exists(workDir))
            return 0;
        long rows = 0;
        foreach (var file in Directory.EnumerateFiles(workDir, "scalars.jsonl", SearchOption.AllDirectories))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream);
            while (reader.ReadLine() is { } line)
                if (line.Contains("\"train\"", StringComparison.Ordinal))
                    rows++;
        }
        return rows;
    }
}
