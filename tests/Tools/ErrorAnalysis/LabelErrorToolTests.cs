using System.Text.Json.Nodes;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Predictions;
using Tessera.Tests.Tools.Predictions;

namespace Tessera.Tests.Tools.ErrorAnalysis;

/// <summary>Labels that Shapes makes wrong are found by predictions that are right.</summary>
[Collection(InProcess.Name)]
public sealed class LabelErrorToolTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    [Theory]
    [InlineData(DataTask.Classification)]
    [InlineData(DataTask.Detection)]
    public void PlantedErrors_AreFoundByAModelThatIsRight(DataTask task)
    {
        var (config, results) = Planted(task);
        var output = runs.At($"labels-{task}");
        var said = Tool.Run("find-label-errors", config, results, "--out-dir", output, "--count", "3").Succeeds();
        var found = JsonNode.Parse(File.ReadAllText(Path.Combine(output, "label-errors.json")))!;
        var planted = found["planted"]!;
        Assert.InRange((int)planted["planted"]!, 10, 90);
        Assert.Equal((1.0, 1.0), ((double)planted["precision"]!, (double)planted["recall"]!));
        Assert.InRange((double)planted["random_precision"]!, 0.02, 0.3);
        Assert.Contains("made wrong on purpose", said.Output, StringComparison.Ordinal);
        var page = File.ReadAllText(Path.Combine(output, "index.html"));
        Assert.Equal(3, page.Split("<figure>").Length - 1);
        Assert.Equal(3, Directory.GetFiles(Path.Combine(output, "pictures")).Length);
        Assert.Equal((int)planted["planted"]!, found["doubtful"]!.AsArray().Sum(sample => sample!["doubts"]!.AsArray().Count));
    }

    [Fact]
    public void Checkpoint_LooksAtTrain_AndWarnsOfWhatWasLearntByHeart()
    {
        var output = runs.At("labels-train");
        var said = Tool.Run(
                "find-label-errors",
                runs.ConfigOf(DataTask.MultiLabel),
                runs.Checkpoint(DataTask.MultiLabel),
                "--out-dir",
                output
            )
            .Succeeds();
        Assert.Contains("of 16 samples of train", said.Output, StringComparison.Ordinal);
        Assert.Contains("cross-validate", said.Error, StringComparison.Ordinal);
        Assert.Null(JsonNode.Parse(File.ReadAllText(Path.Combine(output, "label-errors.json")))!["planted"]);
    }

    [Fact]
    public void Mistakes_AreOneMessage()
    {
        var output = runs.At("labels-nothing");
        foreach (var task in new[] { DataTask.Segmentation, DataTask.Regression, DataTask.Panoptic })
        {
            runs.Trained(task);
            Tool.Run("find-label-errors", runs.ConfigOf(task), runs.Trained(task), "--out-dir", output)
                .IsMistake($"The data is for {TaskNames.Of(task)}", "classification, multi_label and detection");
        }
        Tool.Run("find-label-errors", runs.ConfigOf(DataTask.Segmentation), runs.Trained(DataTask.Segmentation), "--split", "train")
            .IsMistake("val or test");
        Assert.False(Directory.Exists(output));
    }

    /// <summary>A config whose val has wrong labels, and predictions of what is truly there.</summary>
    private (string Config, string Results) Planted(DataTask task)
    {
        runs.Trained(task);
        var config = JsonNode.Parse(File.ReadAllText(runs.ConfigOf(task)))!;
        var val = config["val"]!["dataset"]!;
        (val["count"], val["wrong_labels"]) = (160, 0.1);
        var path = runs.At($"planted-{task}.json");
        File.WriteAllText(path, config.ToJsonString());
        ShapesOptions Options(double wrong) =>
            new(Count: 160, Size: 64, Split: ShapesSplit.Val, Task: task, Classes: ["circle", "square", "star"], WrongLabels: wrong);
        var (given, right) = (new Shapes(Options(0.1)), new Shapes(Options(0)));
        var results = runs.At($"planted-{task}");
        using var writer = PredictionFileWriter.Create(results, new PredictionHeader("val", given.Info), dataRoot: null);
        for (var i = 0; i < given.Count; i++)
        {
            var truth = right.Get(i);
            // Sure, but not the same of all: a threshold is a mean.
            Prediction prediction =
                task == DataTask.Detection
                    ? TaskRuns.Right(truth, right.Info)
                    : new ClassPrediction(
                        [.. Enumerable.Range(0, 3).Select(c => c == truth.Truth.Label ? 0.98f : 0.01f)],
                        truth.Truth.Label!.Value
                    );
            writer.Write(given.Get(i), prediction);
        }
        writer.Complete(new Dictionary<string, double>());
        return (path, results);
    }
}
