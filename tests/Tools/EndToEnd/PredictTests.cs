using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Models;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>tools/predict, and Predictor from C#.</summary>
[Collection(InProcess.Name)]
public sealed class PredictTests(TinyRun run) : IClassFixture<TinyRun>
{
    [Fact]
    public void Predict_Folder_WritesEveryGoodImage_AndNamesTheBad()
    {
        var folder = run.New();
        var images = Directory.CreateDirectory(Path.Combine(folder, "images", "deeper")).Parent!.FullName;
        for (var i = 0; i < 12; i++)
            File.WriteAllBytes(Path.Combine(images, i % 2 == 0 ? "" : "deeper", $"{i:D2}.png"), TinyRun.Png(i));
        File.WriteAllBytes(Path.Combine(images, "cut.png"), TinyRun.Png(0)[..200]);
        File.WriteAllText(Path.Combine(images, "text.jpg"), "hello");
        File.WriteAllText(Path.Combine(images, "notes.txt"), "not an image by name");
        var said = Tool.Run("predict", run.Checkpoint, images, "--out-dir", Path.Combine(folder, "out")).Succeeds();
        Assert.Equal(2, said.Error.Split('\n').Count(line => line.StartsWith("left out: ", StringComparison.Ordinal)));
        Assert.Contains(
            $"left out: {Path.Combine(images, "text.jpg")}: not an image that can be read",
            said.Error,
            StringComparison.Ordinal
        );

        var lines = File.ReadAllLines(Path.Combine(folder, "out", "predictions.jsonl"))
            .Select(line => JsonNode.Parse(line)!.AsObject())
            .ToArray();
        Assert.Equal(12, lines.Length);
        var tested = Path.Combine(folder, "tested.jsonl");
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--predictions", tested).Succeeds();
        var expected = File.ReadAllLines(tested).Select(line => JsonNode.Parse(line)!.AsObject()).ToArray();
        foreach (var line in lines)
        {
            Assert.Null(line["truth"]);
            var same = expected[
                int.Parse(Path.GetFileNameWithoutExtension((string)line["name"]!), System.Globalization.CultureInfo.InvariantCulture)
            ];
            Assert.Equal((string)same["predicted"]!, (string)line["predicted"]!);
            Assert.All(line["scores"]!.AsObject(), score => Assert.Equal((double)same["scores"]![score.Key]!, (double)score.Value!, 1e-5));
        }
    }

    [Fact]
    public void Predict_Image_PrintsTheBestClasses()
    {
        var path = Path.Combine(run.New(), "one.png");
        File.WriteAllBytes(path, TinyRun.Png(3));
        var said = Tool.Run("predict", run.Checkpoint, path).Succeeds();
        Assert.StartsWith(path + "  ", said.Output, StringComparison.Ordinal);
        Assert.Equal(3, System.Text.RegularExpressions.Regex.Count(said.Output, @"\w+ [01]\.\d{3}"));
    }

    [Fact]
    public void Predictor_PathImageAndMany_AgreeAndLeaveNoTensors()
    {
        var path = Path.Combine(run.New(), "one.png");
        File.WriteAllBytes(path, TinyRun.Png(5));
        using var predictor = Predictor.Load(run.Checkpoint, new PredictorOptions { Device = "cpu" });
        Assert.Equal(10, predictor.Data.Classes.Count);
        var first = Assert.IsType<ClassPrediction>(predictor.Predict(path));
        var image = ImageCodec.Load(path);
        var pixels = (byte[])image.Bytes.Clone();
        using var scope = TorchSharp.torch.NewDisposeScope();
        var second = Assert.IsType<ClassPrediction>(predictor.Predict(image));
        Assert.Equal(pixels, image.Bytes); // the caller's image stays as it is
        var third = Assert.IsType<ClassPrediction>(predictor.Predict(image));
        Assert.Equal(first.Scores, second.Scores);
        Assert.Equal(first.Scores, third.Scores);
        Assert.Equal(first.Scores.Max(), first.Scores[first.Label]);
        var many = predictor.Predict([.. Enumerable.Repeat(path, 23)]).ToArray();
        Assert.Equal(23, many.Length);
        Assert.All(
            many,
            one =>
                Assert.All(first.Scores.Zip(((ClassPrediction)one.Prediction).Scores), pair => Assert.Equal(pair.First, pair.Second, 1e-5))
        );
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void Predictor_AveragedOrTrained_AreTheCheckpointsTwoSets()
    {
        var image = ImageCodec.Decode(TinyRun.Png(5), "shape");
        using var averaged = Predictor.Load(run.Checkpoint);
        using var trained = Predictor.Load(run.Checkpoint, new PredictorOptions { Averaged = false });
        Assert.NotEqual(((ClassPrediction)averaged.Predict(image)).Scores, ((ClassPrediction)trained.Predict(image)).Scores);
    }

    [Fact]
    public void Predictor_NormsFused_GivesTheSame_AlsoAfterWeightsChanged()
    {
        var image = ImageCodec.Decode(TinyRun.Png(5), "shape");
        using var fused = Predictor.Load(run.Checkpoint);
        using var plain = Predictor.Load(run.Checkpoint, new PredictorOptions { FuseNorms = false });
        var before = Same();
        foreach (var predictor in new[] { fused, plain })
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            using var _ = TorchSharp.torch.no_grad();
            predictor.Model.get_parameter("backbone.layer1.0.bn1.weight")!.mul_(2);
            predictor.Model.get_buffer("backbone.bn1.running_mean")!.add_(0.5);
        }
        Assert.NotEqual(before, Same());

        float[] Same()
        {
            var (a, b) = ((ClassPrediction)fused.Predict(image), (ClassPrediction)plain.Predict(image));
            Assert.All(a.Scores.Zip(b.Scores), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
            return a.Scores;
        }
    }

    [Fact]
    public void Predictor_BadImage_SaysSoAndGoesOn()
    {
        var path = Path.Combine(run.New(), "text.jpg");
        File.WriteAllText(path, "hello");
        using var predictor = Predictor.Load(run.Checkpoint);
        var error = Assert.Throws<Framework.Errors.UserErrorException>(() => predictor.Predict(path));
        Assert.Contains("not an image that can be read", error.Message, StringComparison.Ordinal);
        Assert.Empty(predictor.Predict([path], (_, reason) => Assert.Contains("not an image", reason, StringComparison.Ordinal)));
        Assert.IsType<ClassPrediction>(predictor.Predict(ImageCodec.Decode(TinyRun.Png(1), "shape")));
    }

    [Fact]
    public void MultiLabelAndRegression_TrainTestPredict()
    {
        var folder = run.New();
        var path = Path.Combine(folder, "one.png");
        File.WriteAllBytes(path, TinyRun.Png(2));
        foreach (
            var (task, overrides) in new[]
            {
                (
                    "multi_label",
                    (string[])
                        [
                            "val.metrics={\"accuracy\": null, \"map\": {\"type\": \"AveragePrecision\"}, \"auroc\": {\"type\": \"Auroc\"}}",
                            "hooks.checkpoint.save_best.metric=mAP",
                        ]
                ),
                (
                    "regression",
                    [
                        "model={\"type\": \"ImageRegressor\", \"backbone\": {\"type\": \"ResNet\", \"depth\": 18, \"stem\": \"small\", "
                            + "\"base_channels\": 8}, \"head\": {\"type\": \"RegressionHead\"}}",
                        "val.metrics={\"accuracy\": null, \"errors\": {\"type\": \"RegressionErrors\"}}",
                        "hooks.checkpoint.save_best={\"metric\": \"mae\", \"rule\": \"less\"}",
                    ]
                ),
            }
        )
        {
            var workDir = Path.Combine(folder, task);
            string[] changed = [.. overrides, "test=null", $"train.dataset.task={task}", $"val.dataset.task={task}", "train.epochs=1"];
            Tool.Run(["train", run.ConfigPath, "--work-dir", workDir, "--cfg-options", .. changed]).Succeeds();
            var checkpoint = Path.Combine(workDir, "epoch_1.safetensors");
            Tool.Run([
                    "test",
                    run.ConfigPath,
                    checkpoint,
                    "--out",
                    Path.Combine(workDir, "m.json"),
                    "--predictions",
                    Path.Combine(workDir, "p.jsonl"),
                    "--cfg-options",
                    .. changed,
                ])
                .Succeeds();
            var line = JsonNode.Parse(File.ReadLines(Path.Combine(workDir, "p.jsonl")).First())!;
            using var predictor = Predictor.Load(checkpoint);
            if (task == "multi_label")
            {
                Assert.InRange((double)JsonNode.Parse(File.ReadAllText(Path.Combine(workDir, "m.json")))!["mAP"]!, 0, 1);
                Assert.InRange(line["truth"]!.AsArray().Count, 1, 4);
                Assert.Equal(
                    line["scores"]!.AsObject().Where(score => (double)score.Value! > 0.5).Select(score => score.Key),
                    line["predicted"]!.AsArray().Select(name => (string)name!)
                );
                Assert.All(Assert.IsType<ClassPrediction>(predictor.Predict(path)).Scores, score => Assert.InRange(score, 0, 1));
            }
            else
            {
                Assert.Equal(["x", "y", "diameter"], line["predicted"]!.AsObject().Select(value => value.Key));
                Assert.Equal(3, Assert.IsType<RegressionPrediction>(predictor.Predict(path)).Values.Length);
            }
            Tool.Run("predict", checkpoint, path).Succeeds();
        }
    }
}
