using Tessera.Tests.Tools.EndToEnd;
using Tessera.Tests.Tools.Running;

namespace Tessera.Tests.Tools.Advice;

/// <summary>What messages about runs and their checkpoints advise is carried out.</summary>
[Collection(InProcess.Name)]
public sealed class CheckpointAdviceTests(TinyRun run) : IClassFixture<TinyRun>, IDisposable
{
    private readonly AdviceFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Said Train(string workDir, params string[] more) => Tool.Run(["train", _folder.Classifier(), "--work-dir", workDir, .. more]);

    [Fact]
    public void FolderThatHoldsARun_ResumeOverwriteOrAnother()
    {
        var folder = _folder.At("work");
        Train(folder, "--cfg-options", "hooks.checkpoint={\"type\": \"CheckpointHook\", \"save_best\": {\"metric\": \"accuracy/top1\"}}")
            .Succeeds();
        var best = File.ReadAllBytes(Path.Combine(folder, "best_accuracy_top1.safetensors"));
        File.WriteAllText(Path.Combine(folder, "notes.txt"), "mine");
        File.WriteAllBytes(Path.Combine(folder, "best_mine.safetensors"), best);
        File.WriteAllBytes(Path.Combine(folder, "epoch_12.safetensors"), best);

        var said = Train(folder, "--cfg-options", "optimizer.lr=0.5")
            .IsMistake(
                "A run was begun here before (2 checkpoints, the newest epoch_1.safetensors)",
                "--resume",
                "--overwrite",
                $"--work-dir {folder}_2"
            );
        Assert.Equal(best, File.ReadAllBytes(Path.Combine(folder, "best_accuracy_top1.safetensors")));
        Assert.Contains("\"lr\": 0.01", File.ReadAllText(Path.Combine(folder, "config.json")), StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(folder, "scalars.jsonl", SearchOption.AllDirectories));

        Train($"{folder}_2", "--cfg-options", "optimizer.lr=0.5").Succeeds();
        Assert.Contains(
            "Changed in the config since: train.epochs 1 to 2",
            Train(folder, "--resume", "--cfg-options", "train.epochs=2").Succeeds().All,
            StringComparison.Ordinal
        );
        Assert.Equal(4, TrainingRun.Losses(folder).Count);

        var overwritten = Train(folder, "--overwrite", "--cfg-options", "hooks.checkpoint.type=CheckpointHook").Succeeds();
        Assert.Contains("Removed the run that was here before: 3 checkpoints and 2 logs.", overwritten.All, StringComparison.Ordinal);
        Assert.Equal(
            ["best_mine.safetensors", "epoch_1.safetensors", "epoch_12.safetensors"], // two the run didn't write
            Directory.GetFiles(folder, "*.safetensors").Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        Assert.Equal([1, 2], TrainingRun.Losses(folder).Keys.Select(key => (int)key)); // one run's log, not two
        Assert.True(File.Exists(Path.Combine(folder, "notes.txt")));
        Train(folder, "--resume", "--overwrite").IsMistake("Give one of them.");
        Assert.NotNull(said);
    }

    [Fact]
    public void Overwrite_WithAConfigThatIsWrong_LeavesTheRunAsItWas()
    {
        var folder = _folder.At("work");
        Train(folder).Succeeds();
        var before = File.ReadAllBytes(Path.Combine(folder, "epoch_1.safetensors"));
        Train(folder, "--overwrite", "--cfg-options", "schedule=[{\"type\": \"LinearLr\"}, {\"type\": \"CosineLr\"}]")
            .IsMistake("it must say until when it lasts");
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(folder, "epoch_1.safetensors")));
        Train(folder, "--resume").Succeeds();
    }

    [Fact]
    public void RunThatEndedBeforeItsFirstStep_IsNotInTheWay()
    {
        var folder = _folder.At("work");
        Train(folder, "--cfg-options", "train.loader.batch_size=16", "train.loader.drop_last=true").IsMistake("drop_last");
        Train(folder).Succeeds();
    }

    [Theory]
    [InlineData("train.accumulate=2", "1 batches a step (train.accumulate); this run has 2")]
    [InlineData("optimizer.type=AdamW", "optimizer.type \"Sgd\"; this run has \"AdamW\"")]
    [InlineData("train.loader.batch_size=2", "2 batches an epoch (train.loader.batch_size, the number of samples); this run has 4")]
    public void Resume_WithOtherSteps_IsRefused_SetBackItGoesOn_OrItsWeightsBeginAnew(string change, string says)
    {
        var folder = _folder.At("work");
        Train(folder).Succeeds();
        Train(folder, "--resume", "--cfg-options", "train.epochs=2", change)
            .IsMistake(says, "Set that back to resume.", "init: { \"type\": \"Pretrained\"");
        Train(folder, "--resume", "--cfg-options", "train.epochs=2").Succeeds();
        var init = $"model.init={{ \"type\": \"Pretrained\", \"checkpoint\": \"{Path.Combine(folder, "epoch_1.safetensors")}\" }}";
        Train(_folder.At("anew"), "--cfg-options", change, init).Succeeds();
    }

    [Fact]
    public void Resume_WithOtherWorkers_EqualsTheUninterruptedRun_AndAShorterOneIsRefused()
    {
        Train(_folder.At("whole"), "--cfg-options", "train.epochs=2").Succeeds();
        Train(_folder.At("work")).Succeeds();
        Train(_folder.At("work"), "--resume", "--cfg-options", "train.epochs=2", "train.loader.workers=3", "train.loader.prefetch=1")
            .Succeeds();
        Assert.Equal(TrainingRun.Losses(_folder.At("whole")), TrainingRun.Losses(_folder.At("work")));
        Train(_folder.At("work"), "--resume")
            .IsMistake(
                "train.epochs is 1, but the checkpoint has 2 of them behind it. Raise train.epochs to train on; tools/test evaluates"
            );
        var log = Directory.GetFiles(_folder.At("work"), "*.log", SearchOption.AllDirectories).Max()!;
        Assert.Contains("ERROR Run", File.ReadAllText(log), StringComparison.Ordinal); // what the console said stands in the log, too
        Assert.Contains("Raise train.epochs to train on", File.ReadAllText(log), StringComparison.Ordinal);
        Train(_folder.At("work"), "--resume", "--cfg-options", "train.epochs=3").Succeeds();
    }

    [Fact]
    public void Resume_AfterAKillBeforeTheFirstCheckpoint_BeginsAnew_WithOneLog()
    {
        Train(_folder.At("work"), "--cfg-options", "hooks.checkpoint=null").Succeeds(); // rows, no checkpoint
        Train(_folder.At("work")).IsMistake("its log, no checkpoint", "--resume");
        Assert.Contains("the run begins anew", Train(_folder.At("work"), "--resume").Succeeds().All, StringComparison.Ordinal);
        Assert.Equal([1, 2], TrainingRun.Losses(_folder.At("work")).Keys.Select(key => (int)key));
    }

    [Fact]
    public void Evaluation_ThatFails_IsMadeUpForByTheCommandOfTheMessage()
    {
        for (var i = 0; i < 8; i++)
            _folder.Write($"data/{(i % 2 == 0 ? "a" : "b")}/{i}.png", TinyRun.Png(i));
        for (var i = 0; i < 4; i++)
            _folder.Write($"val/{(i % 2 == 0 ? "a" : "b")}/{i}.png", TinyRun.Png(i));
        string Data(string name) =>
            $"{{\"_delete_\": true, \"type\": \"ImageFolder\", \"path\": \"{_folder.At(name)}\", \"pipeline\": [{{\"type\": "
            + $"\"LoadImage\"}}, {{\"type\": \"Normalize\"}}]}}";
        string[] options =
        [
            "--cfg-options",
            $"train.dataset={Data("data")}",
            $"val.dataset={Data("val")}",
            "val.loader.batch_size=2",
            "train.epochs=2",
        ];

        // A run that is taken up again looks at the first batch of its evaluation alone.
        Train(_folder.At("work"), [.. options, "train.epochs=1"]).Succeeds();
        _folder.Write("val/b/3.png", [.. TinyRun.Png(3)[..60]]); // cut short, in the second batch
        var said = Train(_folder.At("work"), ["--resume", .. options]);
        said.IsMistake("3.png", "The evaluation after iteration 4 failed.", "epoch_2.safetensors", "--resume evaluates again and goes on.");
        var command = System.Text.RegularExpressions.Regex.Match(said.Error, @"tools/(train .* --resume) evaluates again").Groups[1].Value;
        _folder.Write("val/b/3.png", TinyRun.Png(3));
        // As a shell takes it: the values stand between single quotes.
        Tool.Run([.. System.Text.RegularExpressions.Regex.Matches(command, @"'[^']*'|[^ ]+").Select(word => word.Value.Trim('\''))])
            .Succeeds();
        Assert.Equal([2, 4], TrainingRun.Losses(_folder.At("work"), "val", "accuracy/top1").Keys.Select(key => (int)key));
        Assert.Equal([1, 2, 3, 4], TrainingRun.Losses(_folder.At("work")).Keys.Select(key => (int)key));
    }

    [Fact]
    public void Weights_WhereACheckpointIsMeant_AreTestedOrLoadedAsTheMessageSays()
    {
        Tool.Run("publish", run.Checkpoint, _folder.At("weights.safetensors"), "--names", "own").Succeeds();
        Tool.Run("predict", _folder.At("weights.safetensors"), run.ConfigPath)
            .IsMistake("\"init\": { \"type\": \"Pretrained\", \"checkpoint\": … }", "tools/test CONFIG CHECKPOINT");
        Tool.Run("test", run.ConfigPath, _folder.At("weights.safetensors")).Succeeds();
        Tool.Run(
                "train",
                run.ConfigPath,
                "--work-dir",
                _folder.At("tuned"),
                "--cfg-options",
                "train.epochs=1",
                $"model.init={{ \"type\": \"Pretrained\", \"checkpoint\": \"{_folder.At("weights.safetensors")}\" }}"
            )
            .Succeeds();
    }

    [Fact]
    public void ConfigWithoutTraining_IsTested() => Tool.Run("test", TrainIsNull(), run.Checkpoint).Succeeds();

    private string TrainIsNull()
    {
        var config = _folder.Write("test.json", $$"""{ "_base_": "{{run.ConfigPath}}", "train": null }""");
        Tool.Run("train", config, "--work-dir", _folder.At("none")).IsMistake("there is nothing to train on. tools/test evaluates it.");
        return config;
    }
}
