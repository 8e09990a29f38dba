using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Tests.Tools.Running;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>train, resume, test, publish, as the README shows them.</summary>
[Collection(InProcess.Name)]
public sealed class TrainAndTestTests(TinyRun run) : IClassFixture<TinyRun>
{
    [Fact]
    public void Train_LeavesConfigLogsAndCheckpoints()
    {
        Assert.Contains("Done: 8 iterations, 2 epochs.", run.Trained.All, StringComparison.Ordinal);
        Assert.Equal("epoch_2.safetensors", File.ReadAllText(run.At("run", "last_checkpoint")).Trim());
        foreach (var name in new[] { "config.json", "epoch_1.safetensors", "epoch_2.safetensors", "best_accuracy_top1.safetensors" })
            Assert.True(File.Exists(run.At("run", name)), name);
        Assert.Equal(8, TrainingRun.Losses(run.At("run")).Count);
        Assert.Equal([4, 8], TrainingRun.Losses(run.At("run"), "val", "accuracy/top1").Keys);
        var log = Assert.Single(Directory.EnumerateFiles(run.At("run"), "*.log", SearchOption.AllDirectories));
        Assert.Contains("libtorch", File.ReadAllText(log), StringComparison.OrdinalIgnoreCase);
        Assert.NotEmpty(Directory.EnumerateFiles(run.At("run", "tensorboard")));
        Assert.Empty(Directory.EnumerateFiles(run.At("run"), "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public void Train_ResumedForALongerRun_EqualsOneThatWasLongFromTheStart()
    {
        var workDir = Path.Combine(run.New(), "run");
        Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--cfg-options", "train.epochs=1").Succeeds();
        var resumed = Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--resume").Succeeds();
        Assert.Contains("Resumed from", resumed.All, StringComparison.Ordinal);
        Assert.DoesNotContain("nothing is trained", resumed.All, StringComparison.Ordinal);
        Assert.Equal(TrainingRun.Losses(run.At("run")), TrainingRun.Losses(workDir));
        var (whole, again) = (TrainingRun.Tensors(run.Checkpoint), TrainingRun.Tensors(Path.Combine(workDir, "epoch_2.safetensors")));
        Assert.Equal(whole.Keys, again.Keys);
        Assert.All(whole, entry => Assert.True(entry.Value.AsSpan().SequenceEqual(again[entry.Key]), entry.Key));
        Assert.Contains(
            "The run was at its end already (train.epochs: 2), so nothing is trained. For more, raise train.epochs.",
            Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--resume").Succeeds().All,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Train_Seed_IsAnotherRun()
    {
        var workDir = Path.Combine(run.New(), "run");
        Tool.Run(
                "train",
                run.ConfigPath,
                "--work-dir",
                workDir,
                "--seed",
                "4",
                "--cfg-options",
                "train.epochs=1",
                "train.validate_every=0",
                "hooks.checkpoint=null"
            )
            .Succeeds();
        Assert.NotEqual(TrainingRun.Losses(run.At("run"))[1], TrainingRun.Losses(workDir)[1]);
        Assert.Contains("\"seed\": 4", File.ReadAllText(Path.Combine(workDir, "config.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void StoredPredictions_MeasureAsTheCheckpointDoes()
    {
        var folder = run.New();
        string At(string name) => Path.Combine(folder, name);
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--out", At("metrics.json"), "--predictions", At("predictions.jsonl")).Succeeds();
        Tool.Run("eval-metric", run.ConfigPath, At("predictions.jsonl"), "--out", At("again.json")).Succeeds();
        Assert.Equal(File.ReadAllText(At("metrics.json")), File.ReadAllText(At("again.json")));

        Tool.Run("confusion-matrix", run.ConfigPath, At("predictions.jsonl"), "--out", At("matrix.png")).Succeeds();
        var counts = JsonNode.Parse(File.ReadAllText(At("matrix.json")))!["counts"]!.AsArray();
        Assert.Equal(20, counts.Sum(row => row!.AsArray().Sum(count => (int)count!)));
        Assert.Equal(
            (double)JsonNode.Parse(File.ReadAllText(At("metrics.json")))!["accuracy/top1"]!,
            counts.Select((row, c) => (int)row![c]!).Sum() / 20.0,
            12
        );

        Tool.Run("analyze-results", run.ConfigPath, At("predictions.jsonl"), "--out-dir", At("analysis"), "--count", "3").Succeeds();
        var worst = JsonNode.Parse(File.ReadAllText(At("analysis/images.json")))!["images"]![0]!;
        var lines = File.ReadAllLines(At("predictions.jsonl")).Select(line => JsonNode.Parse(line)!).ToArray();
        Assert.Equal(lines.Min(line => (double)line["scores"]![(string)line["truth"]!]!), (double)worst["score"]!, 6);
        Assert.Equal(3, Directory.GetFiles(At("analysis/worst")).Length);

        File.WriteAllLines(At("fewer.jsonl"), lines.Skip(1).Select(line => line.ToJsonString()));
        Tool.Run("eval-metric", run.ConfigPath, At("fewer.jsonl"))
            .IsMistake("1 of the data set's 20 samples have no line", "another data set");
        File.WriteAllLines(At("broken.jsonl"), [lines[0].ToJsonString(), "{ \"name\": "]);
        Tool.Run("eval-metric", run.ConfigPath, At("broken.jsonl")).IsMistake("broken.jsonl:2  This is no valid JSON.");
        File.WriteAllText(At("stranger.jsonl"), """{ "name": "x", "scores": { "circel": 1 } }""");
        Tool.Run("eval-metric", run.ConfigPath, At("stranger.jsonl"))
            .IsMistake("stranger.jsonl:1  The data set has no class \"circel\"", "circle");
    }

    [Fact]
    public void Test_ShowDir_DrawsClassAndScore_RightAndWrongColoured()
    {
        var folder = run.New();
        string At(string name) => Path.Combine(folder, name);
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--predictions", At("predictions.jsonl"), "--show-dir", At("show")).Succeeds();
        var right = File.ReadAllLines(At("predictions.jsonl"))
            .Select(line => JsonNode.Parse(line)!)
            .ToDictionary(
                line => Path.GetFileName((string)line["name"]!).Replace(' ', '_'),
                line => (string)line["truth"]! == (string)line["predicted"]!
            );
        var pictures = Directory.GetFiles(At("show"), "*.png", SearchOption.AllDirectories);
        Assert.Equal(20, pictures.Length);
        var (greens, reds) = (0, 0);
        foreach (var picture in pictures)
        {
            var image = Datasets.Images.ImageCodec.Load(picture);
            Assert.True(image.Width >= 160 && image.Height >= 180);
            // The frame is left of the image, which begins 8 from the top.
            var row = image.Pixels<byte>().Slice(3 * image.Width * 20, 3 * image.Width);
            for (var x = 0; x < image.Width; x++)
            {
                if (row[(3 * x)..(3 * x + 3)].SequenceEqual(new byte[] { 0x1a, 0x7f, 0x37 }))
                {
                    greens++;
                    break;
                }
                if (row[(3 * x)..(3 * x + 3)].SequenceEqual(new byte[] { 0xc6, 0x28, 0x28 }))
                {
                    reds++;
                    break;
                }
            }
        }
        Assert.Equal((right.Values.Count(one => one), right.Values.Count(one => !one)), (greens, reds));
    }

    [Fact]
    public void Test_OutOfAPickle_NamesWhatWritesPredictions() =>
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--out", "results.pkl")
            .IsMistake("--predictions PATH", "--show-dir DIR", "metrics.json");

    [Fact]
    public void ConfusionMatrix_Normalize_ChoosesWhatSharesAreOf()
    {
        var folder = run.New();
        string At(string name) => Path.Combine(folder, name);
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--predictions", At("predictions.jsonl")).Succeeds();
        foreach (var of in new[] { "true", "pred", "all", "none" })
        {
            Tool.Run("confusion-matrix", run.ConfigPath, At("predictions.jsonl"), "--out", At($"{of}.png"), "--normalize", of).Succeeds();
            var written = JsonNode.Parse(File.ReadAllText(At($"{of}.json")))!;
            Assert.Equal(of, (string)written["normalize"]!);
            if (of == "none")
            {
                Assert.Null(written["shares"]);
                continue;
            }
            var counts = written["counts"]!.AsArray().Select(row => row!.AsArray().Select(n => (long)n!).ToArray()).ToArray();
            for (var t = 0; t < counts.Length; t++)
            {
                for (var p = 0; p < counts.Length; p++)
                {
                    var whole = of switch
                    {
                        "true" => counts[t].Sum(),
                        "pred" => counts.Sum(row => row[p]),
                        _ => 20,
                    };
                    if (whole == 0)
                        Assert.Null(written["shares"]![t]![p]);
                    else
                        Assert.Equal((double)counts[t][p] / whole, (double)written["shares"]![t]![p]!, 12);
                }
            }
        }
        Tool.Run("confusion-matrix", run.ConfigPath, At("predictions.jsonl"), "--normalize", "rows")
            .IsMistake("--normalize doesn't take \"rows\": What the shares are of: true (each true class)");
    }

    [Fact]
    public void Predict_ScoreThr_OfAClassifier_IsAMistake() =>
        Tool.Run("predict", run.Checkpoint, run.ConfigPath, "--score-thr", "0.5").IsMistake("its model finds no boxes");

    [Fact]
    public void Test_WritesMetricsAndEveryPrediction_ThatAgree()
    {
        var folder = run.New();
        var (metricsPath, linesPath) = (Path.Combine(folder, "deep", "metrics.json"), Path.Combine(folder, "predictions.jsonl"));
        var said = Tool.Run("test", run.ConfigPath, run.Checkpoint, "--out", metricsPath, "--predictions", linesPath).Succeeds();
        Assert.Contains("epoch 2, iteration 8, averaged weights", said.Error, StringComparison.Ordinal);
        Assert.Contains("accuracy/top1  ", said.Output, StringComparison.Ordinal);
        var metrics = JsonNode.Parse(File.ReadAllText(metricsPath))!.AsObject();
        Assert.All(metrics, entry => Assert.InRange((double)entry.Value!, 0, 1)); // flat, and fractions
        Assert.Contains("accuracy/top5", metrics.Select(entry => entry.Key));

        var lines = File.ReadAllLines(linesPath).Select(line => JsonNode.Parse(line)!.AsObject()).ToArray();
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"shapes/test/{i:D6}"), lines.Select(line => (string)line["name"]!));
        foreach (var line in lines)
        {
            var scores = line["scores"]!.AsObject().ToDictionary(entry => entry.Key, entry => (double)entry.Value!);
            Assert.Equal(10, scores.Count);
            Assert.Equal(1, scores.Values.Sum(), 1e-4);
            Assert.Equal(scores.MaxBy(entry => entry.Value).Key, (string)line["predicted"]!);
            Assert.Contains((string)line["truth"]!, scores.Keys);
        }
        Assert.Equal(
            lines.Average(line => (string)line["truth"]! == (string)line["predicted"]! ? 1.0 : 0),
            (double)metrics["accuracy/top1"]!,
            1e-9
        );

        var details = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "deep", "metrics.details.json")))!["confusion"]![
            "counts"
        ]!.AsArray();
        Assert.Equal(20, details.Sum(row => row!.AsArray().Sum(count => (int)count!)));
    }

    [Fact]
    public void Test_TrainedWeights_AreOthersThanTheAverage()
    {
        var folder = run.New();
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--predictions", Path.Combine(folder, "averaged")).Succeeds();
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--predictions", Path.Combine(folder, "trained"), "--weights", "trained")
            .Succeeds();
        Assert.NotEqual(File.ReadAllText(Path.Combine(folder, "averaged")), File.ReadAllText(Path.Combine(folder, "trained")));
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("model.pth")]
    [InlineData("published")]
    public void Publish_TestedAgain_PredictsTheSame(string name)
    {
        var folder = run.New();
        var said = Tool.Run("publish", run.Checkpoint, Path.Combine(folder, name)).Succeeds();
        var published = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Single();
        Assert.Contains($"{published}: ", said.Output, StringComparison.Ordinal);
        Assert.Matches("averaged weights, names of torchvision, SHA-256 [0-9a-f]{64}", said.Output);
        if (!Path.HasExtension(name))
            Assert.Matches(@"published-[0-9a-f]{8}\.safetensors$", published);

        Tool.Run(
                "test",
                run.ConfigPath,
                run.Checkpoint,
                "--out",
                Path.Combine(folder, "a.json"),
                "--predictions",
                Path.Combine(folder, "a.jsonl")
            )
            .Succeeds();
        var foreign = Tool.Run(
                "test",
                run.ConfigPath,
                published,
                "--out",
                Path.Combine(folder, "b.json"),
                "--predictions",
                Path.Combine(folder, "b.jsonl")
            )
            .Succeeds();
        Assert.Equal(File.ReadAllText(Path.Combine(folder, "a.json")), File.ReadAllText(Path.Combine(folder, "b.json")));
        Assert.Equal(File.ReadAllText(Path.Combine(folder, "a.jsonl")), File.ReadAllText(Path.Combine(folder, "b.jsonl")));
        Assert.DoesNotContain("class names", foreign.All, StringComparison.Ordinal); // the file has them, .pth as well
    }

    [Fact]
    public void FineTune_FromPublishedWeights_LoadsAllButTheClassifier()
    {
        var folder = run.New();
        Tool.Run("publish", run.Checkpoint, Path.Combine(folder, "w.pth")).Succeeds();
        var init =
            $"model.backbone.init={{\"type\": \"Pretrained\", \"checkpoint\": \"{Path.Combine(folder, "w.pth")}\", \"keys\": "
            + $"\"torchvision\"}}";
        var said = Tool.Run(
                "train",
                run.ConfigPath,
                "--work-dir",
                Path.Combine(folder, "run"),
                "--cfg-options",
                init,
                "train.epochs=1",
                "train.freeze=[\"backbone\"]",
                "train.dataset.classes=[\"circle\", \"square\"]",
                "val.dataset.classes=[\"circle\", \"square\"]",
                "test=null"
            )
            .Succeeds();
        Assert.Contains("Frozen:", said.All, StringComparison.Ordinal);
        var (before, after) = (
            TrainingRun.Tensors(run.Checkpoint, "hooks.ema.ema.backbone."),
            TrainingRun.Tensors(Path.Combine(folder, "run", "epoch_1.safetensors"), "model.backbone.")
        );
        Assert.Equal(before.Count, after.Count);
        Assert.All(
            before,
            entry => Assert.True(entry.Value.AsSpan().SequenceEqual(after["model." + entry.Key["hooks.ema.ema.".Length..]]), entry.Key)
        );
        using var tuned = Checkpoint.Open(Path.Combine(folder, "run", "epoch_1.safetensors"));
        Assert.Matches("^w\\.pth \\(SHA-256 [0-9a-f]{64}\\)$", tuned.Info.Source!);
    }
}
