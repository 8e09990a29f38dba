using System.Text.Json;
using Tessera.Datasets.Classification;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.Output;
using Tessera.Tests.Tools.Running;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>From training a GAN to a folder of its images, and what may be done with that.</summary>
[Collection(InProcess.Name)]
public sealed class GanRunTests(GanRunTests.Trained run) : IClassFixture<GanRunTests.Trained>
{
    [Fact]
    public void Train_Resumed_HasTheLossesAndWeightsOfAnUninterruptedRun()
    {
        Directory.CreateDirectory(run.At("half"));
        File.Copy(run.At("whole", "iter_3.safetensors"), run.At("half", "iter_3.safetensors"));
        File.WriteAllText(run.At("half", "last_checkpoint"), "iter_3.safetensors");
        Tool.Run("train", run.Config, "--work-dir", run.At("half"), "--device", "cpu", "--resume").Succeeds();
        foreach (var value in new[] { "d_real", "d_fake", "d_class", "g", "g_class", "loss" })
        {
            var half = TrainingRun.Losses(run.At("half"), value: value);
            Assert.Equal([4, 5, 6], half.Keys);
            Assert.Equal(TrainingRun.Losses(run.At("whole"), value: value).Where(row => row.Key > 3), half);
        }
        var (whole, resumed) = (TrainingRun.Tensors(run.Checkpoint), TrainingRun.Tensors(run.At("half", "iter_6.safetensors")));
        Assert.Equal(whole.Keys, resumed.Keys);
        Assert.All(whole, tensor => Assert.Equal(tensor.Value, resumed[tensor.Key]));
    }

    [Fact]
    public void Train_WritesSheetsOfSamples()
    {
        foreach (var sheet in new[] { "iter_0000002.png", "iter_0000004.png", "iter_0000006.png" })
            Assert.True(File.Exists(run.At("whole", "samples", sheet)), sheet);
        Assert.Contains(TrainingRun.Losses(run.At("whole"), "val", "accuracy/top1").Keys, iteration => iteration == 6);
    }

    [Fact]
    public void Output_IsAsWritten()
    {
        var said = Tool.Run("generate", run.Checkpoint, "--out-dir", run.At("shown"), "--count", "2");
        WholeOutput.OfGoodRun("generate", said, run.Folder);
    }

    [Fact]
    public void Generate_WritesImagesByClass_ThatComeAgainFromTheirSeeds()
    {
        string[] Generate(string folder, params string[] more) =>
            ["generate", run.Checkpoint, "--out-dir", run.At(folder), "--count", "3", "--device", "cpu", .. more];
        Tool.Run(Generate("drawn")).Succeeds();
        Tool.Run(Generate("again")).Succeeds();
        Tool.Run(Generate("other", "--seed", "1", "--classes", "square")).Succeeds();
        foreach (var name in new[] { "circle", "square", "star" })
            for (var i = 1; i <= 3; i++)
                Assert.Equal(
                    File.ReadAllBytes(run.At("drawn", name, $"00000{i}.png")),
                    File.ReadAllBytes(run.At("again", name, $"00000{i}.png"))
                );
        Assert.NotEqual(
            File.ReadAllBytes(run.At("drawn", "square", "000001.png")),
            File.ReadAllBytes(run.At("other", "square", "000001.png"))
        );
        Assert.Equal(["square"], Directory.EnumerateDirectories(run.At("other")).Select(Path.GetFileName));

        var dataset = new ImageFolder(new ImageFolderOptions(run.At("drawn")));
        Assert.Equal(9, dataset.Count);
        Assert.Equal(["circle", "square", "star"], dataset.Info.Classes);
        var image = ImageCodec.Load(run.At("drawn", "circle", "000001.png"));
        Assert.Equal((16, 16, 3), (image.Height, image.Width, image.Channels));

        var lines = File.ReadAllLines(run.At("drawn", "synthetic.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(10, lines.Length);
        var hash = lines[0].GetProperty("synthetic").GetProperty("checkpoint_sha256").GetString();
        Assert.All(lines.Skip(1), line => Assert.Equal(hash, line.GetProperty("checkpoint").GetString()));
        Assert.Equal("circle/000001.png", lines[1].GetProperty("file").GetString());
        Assert.InRange(lines[1].GetProperty("agreement").GetDouble(), 0, 1);
        Assert.False(Directory.Exists(run.At("drawn.partial")));
    }

    [Fact]
    public void Generate_IntoAFolderThatHoldsSomething_IsRefused()
    {
        Directory.CreateDirectory(run.At("taken"));
        File.WriteAllText(run.At("taken", "mine.txt"), "");
        var said = Tool.Run("generate", run.Checkpoint, "--out-dir", run.At("taken"), "--count", "1");
        Assert.Equal(1, said.Code);
        Assert.Contains("isn't empty", said.All, StringComparison.Ordinal);
        Assert.Contains("mine.txt", Directory.EnumerateFiles(run.At("taken")).Select(Path.GetFileName));
    }

    [Fact]
    public void Generate_WithAThreshold_LeavesOutWhatDisagrees()
    {
        var said = Tool.Run(
            "generate",
            run.Checkpoint,
            "--out-dir",
            run.At("certain"),
            "--count",
            "2",
            "--min-agreement",
            "1",
            "--max-tries",
            "3"
        );
        Assert.Equal(4, said.Code); // after six steps no image is certain
        Assert.Contains("0 images of 6 drawn: fewer than the 2 asked for", said.All, StringComparison.Ordinal);
        Assert.Contains(
            "--min-agreement is 2",
            Tool.Run("generate", run.Checkpoint, "--out-dir", run.At("no"), "--min-agreement", "2").All,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Generate_ByAJudge_AsksItsOpinion()
    {
        Tool.Run("train", run.Write("judge.json", Judge), "--work-dir", run.At("judge"), "--device", "cpu").Succeeds();
        var judge = run.At("judge", "iter_2.safetensors");
        Tool.Run("generate", run.Checkpoint, "--out-dir", run.At("judged"), "--count", "2", "--judge", judge).Succeeds();
        var lines = File.ReadAllLines(run.At("judged", "synthetic.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        using var predictor = Predictor.Load(judge, new PredictorOptions { Device = "cpu" });
        foreach (var line in lines.Skip(1))
        {
            var scores = predictor.Classify(run.At("judged", line.GetProperty("file").GetString()!));
            var expected = scores.Ranked.Single(entry => entry.Name == line.GetProperty("class").GetString()).Score;
            Assert.Equal(expected, line.GetProperty("agreement").GetDouble(), 1e-5);
        }

        var score = Tool.Run("score-images", run.At("judged"), run.At("judged"), "--features", judge, "--out", run.At("score.json"));
        score.Succeeds();
        WholeOutput.OfGoodRun("score-images", score, run.Folder);
        Assert.Contains("FID (features of iter_2.safetensors)  0", score.Output, StringComparison.Ordinal);
        var figures = JsonDocument.Parse(File.ReadAllText(run.At("score.json"))).RootElement;
        Assert.Equal(0, figures.GetProperty("fid").GetDouble(), 1e-3); // a set against itself
        Assert.Equal((1, 1), (figures.GetProperty("precision").GetDouble(), figures.GetProperty("recall").GetDouble()));
        var config = Tool.Run("score-images", run.Config, run.At("judged"), "--features", judge, "--split", "val");
        config.Succeeds();
        Assert.Contains("20 real and 6 generated images", config.All, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("val")]
    [InlineData("test")]
    public void Synthetic_Images_AreRefusedWhereAnythingIsMeasured(string part)
    {
        if (!Directory.Exists(run.At("made")))
            Tool.Run("generate", run.Checkpoint, "--out-dir", run.At("made"), "--count", "2").Succeeds();
        var said = Tool.Run("train", run.Write($"{part}.json", WithPart(part, run.At("made"))), "--work-dir", run.At("measured-" + part));
        if (part == "test") // read by tools that evaluate alone
            said = Tool.Run("dataset-stats", run.At("test.json"));
        Assert.Equal(1, said.Code);
        Assert.Contains($"{part}.dataset has images that a model made", said.All, StringComparison.Ordinal);
        Assert.Contains("synthetic.jsonl", said.All, StringComparison.Ordinal);
    }

    [Fact]
    public void Synthetic_Images_AreKnownWhereverTheDataBegins()
    {
        if (!Directory.Exists(run.At("made")))
            Tool.Run("generate", run.Checkpoint, "--out-dir", run.At("made"), "--count", "2").Succeeds();
        Assert.NotNull(new ImageFolder(new ImageFolderOptions(run.At("made"))).SyntheticSource);
        Assert.NotNull(new ImageFolder(new ImageFolderOptions(run.Folder, Split: "made")).SyntheticSource);
        System.IO.Compression.ZipFile.CreateFromDirectory(run.At("made"), run.At("made.zip"));
        Assert.NotNull(new ImageFolder(new ImageFolderOptions(run.At("made.zip"))).SyntheticSource);
        Directory.CreateDirectory(run.At("real", "circle"));
        File.Copy(run.At("made", "circle", "000001.png"), run.At("real", "circle", "1.png"));
        var real = new ImageFolder(new ImageFolderOptions(run.At("real")));
        Assert.Null(real.SyntheticSource);
        var synthetic = new ImageFolder(new ImageFolderOptions(run.At("made"), Classes: ["circle"]));
        var both = new Datasets.ConcatDataset([real, synthetic]);
        Assert.NotNull(both.SyntheticSource);
        Assert.Null(new Datasets.Subset(both, [0]).SyntheticSource); // its sample is a real one
        Assert.NotNull(new Datasets.Subset(both, [0, 1]).SyntheticSource);
    }

    /// <summary>A discriminator that knows no classes gives an image a number: tools show it, or say that they need classes.</summary>
    [Fact]
    public void Plain_Gan_GivesANumberThatToolsTakeOrRefuse()
    {
        var config = run.Write(
            "plain.json",
            """
            { "_base_": "gan.json", "model": { "condition": "none", "generator": { "class_embed": 0 } },
              "train": { "iterations": 2, "validate_every": 2 },
              "val": { "metrics": { "_delete_": true, "score": { "type": "MeanScore" } } },
              "hooks": { "checkpoint": { "every_iterations": 2, "save_best": { "metric": "score", "rule": "greater" } } } }
            """
        );
        Tool.Run("train", config, "--work-dir", run.At("plain"), "--device", "cpu").Succeeds();
        var checkpoint = run.At("plain", "best_score.safetensors");
        Assert.True(File.Exists(checkpoint));
        var image = run.At("grey.png");
        File.WriteAllBytes(image, ImageCodec.EncodePng(new Image(16, 16, 3)));
        Assert.Contains("  score ", Tool.Run("predict", checkpoint, image).Succeeds().Output, StringComparison.Ordinal);
        Tool.Run("test", config, checkpoint, "--predictions", run.At("plain.jsonl")).Succeeds();
        var line = JsonDocument.Parse(File.ReadLines(run.At("plain.jsonl")).First()).RootElement;
        Assert.True(float.IsFinite(line.GetProperty("score").GetSingle()));
        Tool.Run("find-label-errors", config, checkpoint).IsMistake("a score and no classes");
        Tool.Run("test", config, checkpoint, "--cfg-options", "val.dataset.classes=[\"star\",\"square\",\"circle\"]").Succeeds();
    }

    private const string Judge = """
        {
          "model": {
            "type": "ImageClassifier",
            "backbone": { "type": "CifarResNet", "depth": 8, "stage_channels": [4, 4, 4] }, "head": { "type": "LinearHead" }
          },
          "train": {
            "loop": "iterations", "iterations": 2, "validate_every": 0, "loader": { "batch_size": 8, "workers": 0 },
            "dataset": {
              "type": "Shapes", "count": 40, "size": 16, "classes": ["circle", "square", "star"],
              "pipeline": [{ "type": "LoadImage" }, { "type": "Normalize" }]
            }
          },
          "optimizer": { "type": "Sgd", "lr": 0.1 },
          "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 2 } }
        }
        """;

    private static string WithPart(string part, string folder) =>
        Judge.Replace("\"validate_every\": 0", "\"validate_every\": 2", StringComparison.Ordinal).TrimEnd()[..^1]
        + $$"""
              , "{{part}}": {
                "dataset": {
                  "type": "ImageFolder", "path": {{JsonSerializer.Serialize(folder)}},
                  "pipeline": [{ "type": "LoadImage" }, { "type": "Normalize" }]
                },
                "metrics": { "accuracy": { "type": "Accuracy" } }
              }
            }
            """;

    public sealed class Trained : IDisposable
    {
        private readonly TrainingRun _run = new();

        public Trained()
        {
            Config = _run.Write("gan.json", Gan);
            Tool.Run("train", Config, "--work-dir", At("whole"), "--device", "cpu").Succeeds();
        }

        public string Config { get; }

        public string Folder => _run.Folder;

        public string Checkpoint => At("whole", "iter_6.safetensors");

        public string At(params string[] parts) => _run.At(parts);

        public string Write(string name, string config) => _run.Write(name, config);

        public void Dispose() => _run.Dispose();

        private const string Gan = """
            {
              "model": {
                "type": "Gan", "condition": "ac",
                "generator": { "type": "DcganGenerator", "size": 16, "latent": 8, "channels": 8, "class_embed": 4 },
                "discriminator": { "type": "DcganDiscriminator", "size": 16, "channels": 8 },
                "loss": { "type": "HingeGanLoss" },
                "diff_augment": { "cutout": 0.25 }
              },
              "train": {
                "loop": "iterations", "iterations": 6, "validate_every": 6, "loader": { "batch_size": 8, "workers": 0 },
                "dataset": {
                  "type": "Shapes", "count": 40, "size": 16, "classes": ["circle", "square", "star"],
                  "pipeline": [{ "type": "LoadImage" }, { "type": "Normalize", "mean": [127.5], "std": [127.5] }]
                }
              },
              "val": {
                "dataset": {
                  "type": "Shapes", "count": 20, "size": 16, "split": "val", "classes": ["circle", "square", "star"],
                  "pipeline": [{ "type": "LoadImage" }, { "type": "Normalize", "mean": [127.5], "std": [127.5] }]
                },
                "metrics": { "accuracy": { "type": "Accuracy" } }
              },
              "optimizer": {
                "generator": { "type": "Adam", "lr": 0.0002, "betas": [0.5, 0.999], "parameters": ["generator"] },
                "discriminator": { "type": "Adam", "lr": 0.0002, "betas": [0.5, 0.999], "parameters": ["discriminator"] }
              },
              "hooks": {
                "log": { "type": "LogHook", "interval": 1 },
                "samples": { "type": "SampleSheetHook", "every_iterations": 2, "columns": 3 },
                "ema": { "type": "EmaHook", "decay": 0.99 },
                "checkpoint": { "type": "CheckpointHook", "every_iterations": 3 }
              }
            }
            """;
    }
}
