using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Tests.Tools.Output;
using Tessera.Tests.Tools.Running;
using TorchSharp;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>A trained network adapted to few parameters, with every tool that meets its checkpoints.</summary>
[Collection(InProcess.Name)]
public sealed class PeftRunTests(PeftRunTests.AdaptedRun run) : IClassFixture<PeftRunTests.AdaptedRun>
{
    /// <summary>A base, published from a run, and a run on top of it with LoRA at every convolution.</summary>
    public sealed class AdaptedRun : IDisposable
    {
        private readonly TinyRun _base = new();

        public AdaptedRun()
        {
            Tool.Run("publish", _base.Checkpoint, BasePath, "--names", "own").Succeeds();
            File.WriteAllText(
                ConfigPath,
                $$"""
                {
                  "_base_": "tiny.json",
                  "model": {
                    "backbone": { "init": { "type": "Pretrained", "checkpoint": "{{BasePath}}" } },
                    "peft": { "lora": { "type": "LoRA", "roles": ["conv"], "rank": 2 } }
                  },
                  "hooks": { "ema": { "decay": 0.5 } }
                }
                """
            );
            Tool.Run("train", ConfigPath, "--work-dir", WorkDir).Succeeds();
        }

        public string BasePath => _base.At("base.safetensors");

        public string ConfigPath => _base.At("peft.json");

        public string PlainConfig => _base.ConfigPath;

        public string WorkDir => _base.At("adapted");

        public string Checkpoint => Path.Combine(WorkDir, "epoch_2.safetensors");

        public string New() => _base.New();

        public void Dispose() => _base.Dispose();
    }

    [Fact]
    public void Checkpoint_HoldsAdaptersAndHeadAlone()
    {
        using var checkpoint = Checkpoint.Open(run.Checkpoint);
        var names = checkpoint.ModelNames().Keys;
        Assert.Contains("head.fc.weight", names);
        Assert.Contains("peft.lora.backbone.layer1.0.conv1.conv.A", names);
        Assert.All(
            names,
            name =>
                Assert.True(name.StartsWith("head.", StringComparison.Ordinal) || name.StartsWith("peft.", StringComparison.Ordinal), name)
        );
        Assert.True(checkpoint.HasAveraged);
        Assert.DoesNotContain(checkpoint.Tensors.Keys, name => name.Contains("ema.backbone", StringComparison.Ordinal));
        using (var learned = checkpoint.Read("model.peft.lora.backbone.layer1.0.conv1.conv.B"))
            Assert.True(learned.abs().max().ToSingle() > 0, "nothing was learned");
        var needed = checkpoint.Info.Base!;
        Assert.Equal(64, needed.Sha256.Length);
        Assert.StartsWith("base.safetensors (SHA-256 ", needed.Source, StringComparison.Ordinal);
        Assert.Equal(10, checkpoint.Info.Data.Classes.Count);
    }

    [Fact]
    public void Resumed_EqualsTheUnbrokenRun()
    {
        var workDir = Path.Combine(run.New(), "run");
        Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--cfg-options", "train.epochs=1").Succeeds();
        Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--resume").Succeeds();
        Assert.Equal(TrainingRun.Losses(run.WorkDir), TrainingRun.Losses(workDir));
        var (whole, again) = (TrainingRun.Tensors(run.Checkpoint), TrainingRun.Tensors(Path.Combine(workDir, "epoch_2.safetensors")));
        Assert.Equal(whole.Keys, again.Keys);
        Assert.All(whole, entry => Assert.True(entry.Value.AsSpan().SequenceEqual(again[entry.Key]), entry.Key));
    }

    [Fact]
    public void Merged_IsAPlainCheckpoint_ThatPredictsTheSame()
    {
        var folder = run.New();
        var merged = Path.Combine(folder, "merged.safetensors");
        var said = Tool.Run("merge-adapter", run.Checkpoint, merged).Succeeds();
        WholeOutput.OfGoodRun("merge-adapter", said, folder);
        using (var checkpoint = Checkpoint.Open(merged))
        {
            Assert.Null(checkpoint.Info.Base);
            Assert.Null(checkpoint.Info.Config.Find("model.peft"));
            Assert.DoesNotContain(checkpoint.Tensors.Keys, name => name.Contains("peft", StringComparison.Ordinal));
        }

        var adapted = Predictions(run.ConfigPath, run.Checkpoint);
        Close(adapted, Predictions(run.PlainConfig, merged));
        var images = Path.Combine(folder, "images");
        Directory.CreateDirectory(images);
        for (var i = 0; i < 3; i++)
            File.WriteAllBytes(Path.Combine(images, $"{i}.png"), TinyRun.Png(i));
        Tool.Run("predict", run.Checkpoint, images, "--out-dir", Path.Combine(folder, "one")).Succeeds();
        Tool.Run("predict", merged, images, "--out-dir", Path.Combine(folder, "two")).Succeeds();
        Close(Scores(Path.Combine(folder, "one", "predictions.jsonl")), Scores(Path.Combine(folder, "two", "predictions.jsonl")));
        Tool.Run("publish", merged, Path.Combine(folder, "weights.pth")).Succeeds();
        Tool.Run("merge-adapter", merged, Path.Combine(folder, "again.safetensors")).IsMistake("nothing to merge");
    }

    [Fact]
    public void AnotherBase_IsRefused()
    {
        var folder = run.New();
        var other = Path.Combine(folder, "base.safetensors");
        Tool.Run("train", run.PlainConfig, "--work-dir", Path.Combine(folder, "run"), "--seed", "9", "--cfg-options", "train.epochs=1")
            .Succeeds();
        Tool.Run("publish", Path.Combine(folder, "run", "epoch_1.safetensors"), other, "--names", "own").Succeeds();
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--cfg-options", $"model.backbone.init.checkpoint={other}")
            .IsMistake("on top of other weights", "is needed, from base.safetensors (SHA-256 ", "init name that file");
        var resumed = Path.Combine(folder, "resumed");
        Directory.CreateDirectory(resumed);
        foreach (var name in new[] { "epoch_2.safetensors", "last_checkpoint" })
            File.Copy(Path.Combine(run.WorkDir, name), Path.Combine(resumed, name));
        Tool.Run(
                "train",
                run.ConfigPath,
                "--work-dir",
                resumed,
                "--resume",
                "--cfg-options",
                "train.epochs=3",
                $"model.backbone.init.checkpoint={other}"
            )
            .IsMistake("on top of other weights");
    }

    [Fact]
    public void MovedBase_IsFoundBesideTheCheckpoint_OrMissed()
    {
        var folder = run.New();
        var (here, checkpoint) = (Path.Combine(folder, "base.safetensors"), Path.Combine(folder, "adapter.safetensors"));
        File.Copy(run.Checkpoint, checkpoint);
        var image = Path.Combine(folder, "image.png");
        File.WriteAllBytes(image, TinyRun.Png(1));
        var expected = Tool.Run("predict", run.Checkpoint, image).Succeeds().Output;
        File.Move(run.BasePath, here);
        try
        {
            Assert.Equal(expected, Tool.Run("predict", checkpoint, image).Succeeds().Output);
            Tool.Run("predict", run.Checkpoint, image).IsMistake("the file isn't there. Put it there, or as", "base.safetensors");
        }
        finally
        {
            File.Move(here, run.BasePath);
        }
    }

    [Fact]
    public void AdaptersAlone_AreNoWeightsOfANetwork()
    {
        Tool.Run("publish", run.Checkpoint, Path.Combine(run.New(), "out.safetensors"))
            .IsMistake("holds only what was trained on top of base.safetensors", "tools/merge-adapter");
        Tool.Run(
                "train",
                run.PlainConfig,
                "--work-dir",
                Path.Combine(run.New(), "run"),
                "--cfg-options",
                $$"""model.init={"type":"Pretrained","checkpoint":"{{run.Checkpoint}}"}"""
            )
            .IsMistake("tools/merge-adapter");
        Tool.Run("test", run.PlainConfig, run.Checkpoint).IsMistake("tools/merge-adapter");
    }

    [Fact]
    public void RandomBase_IsSavedWhole()
    {
        var workDir = Path.Combine(run.New(), "run");
        Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--cfg-options", "train.epochs=1", "model.backbone.init=null").Succeeds();
        using var checkpoint = Checkpoint.Open(Path.Combine(workDir, "epoch_1.safetensors"));
        Assert.Null(checkpoint.Info.Base);
        Assert.Contains("backbone.conv1.weight", checkpoint.ModelNames().Keys);
        checkpoint.Dispose();
        Tool.Run("test", run.ConfigPath, Path.Combine(workDir, "epoch_1.safetensors"), "--cfg-options", "model.backbone.init=null")
            .Succeeds();
    }

    [Fact]
    public void GetFlops_TellsWhatIsTrained()
    {
        var said = Tool.Run("get-flops", run.ConfigPath, "--shape", "32", "--depth", "1").Succeeds();
        using var checkpoint = Checkpoint.Open(run.Checkpoint);
        var trained = checkpoint.ModelNames().Values.Sum(name => checkpoint.Tensors[name].Count);
        Assert.Contains($"{trained:#,0} trainable", said.Output, StringComparison.Ordinal);
    }

    private double[] Predictions(string config, string checkpoint)
    {
        var path = Path.Combine(run.New(), "predictions.jsonl");
        Tool.Run("test", config, checkpoint, "--predictions", path).Succeeds();
        return Scores(path);
    }

    // One by one, or by the classes' names.
    private static double[] Scores(string path) =>
        [
            .. File.ReadAllLines(path)
                .Select(line => JsonNode.Parse(line)!["scores"]!)
                .SelectMany(scores => scores is JsonObject named ? named.Select(entry => entry.Value) : scores.AsArray())
                .Select(score => (double)score!),
        ];

    private static void Close(double[] expected, double[] found)
    {
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i], 1e-5);
    }
}
