using System.Text.Json.Nodes;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.Sessions;

/// <summary>Mean and deviation of targets: measured, told, and kept.</summary>
[Collection(InProcess.Name)]
public sealed class TargetStandardizationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-targets").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Of 1, 2, 3, 6: mean 3, squares of differences 4, 1, 0, 9, whose mean is 3.5; 5 throughout has no deviation.</summary>
    [Fact]
    public void Measure_ByHand()
    {
        var warnings = new List<string>();
        using var session = Session.Open(WithList([(1, 5), (2, 5), (3, 5), (6, 5)]));
        var (mean, deviation) = TargetStandardization.Measure(session.Data[DataPart.Train], warnings.Add);
        Assert.Equal([3, 5], mean);
        Assert.Equal([Math.Sqrt(3.5), 1], deviation);
        Assert.Equal(["standardize_targets: the training data's b is 5 throughout."], warnings);
    }

    [Fact]
    public void Fill_OfACheckpoint_TakesItsNumbers_AndWhatIsGivenStays()
    {
        var saved = ConfigDocument.Parse("""{ "model": { "head": { "target_mean": [7, 8], "target_std": [1, 2] } } }""");
        using var session = Session.Open(WithList([(1, 5), (2, 6)], "\"target_mean\": [0.5, 1],"));
        var notes = new List<string>();
        TargetStandardization.Fill(session, saved, notes.Add, notes.Add);
        Assert.Equal(["model.head.target_std: the checkpoint's numbers."], notes);
        Assert.Equal([0.5, 1], Numbers(session, "target_mean"));
        Assert.Equal([1, 2], Numbers(session, "target_std"));
    }

    /// <summary>From the command line: the log tells the numbers, the work dir and the checkpoint hold them, and the work dir stands for its
    /// checkpoint.</summary>
    [Fact]
    public void Train_KeepsItsNumbers_AndTestNeedsNoTrainingData()
    {
        var config = WithShapes();
        var work = Path.Combine(_folder, "run");
        var said = Tool.Run("train", config, "--work-dir", work).Succeeds();
        Assert.Contains("model.head.target_mean: of the training data's targets: ", said.All, StringComparison.Ordinal);
        var written = JsonNode.Parse(File.ReadAllText(Path.Combine(work, "config.json")))!["model"]!["head"]!;
        var targets = new Shapes(new ShapesOptions(Count: 12, Size: 32, Task: DataTask.Regression));
        var first = Enumerable.Range(0, 12).Average(i => (double)targets.Get(i).Truth.Targets![0]);
        Assert.Equal(first, written["target_mean"]![0]!.GetValue<double>(), 1e-12);
        Assert.True(written["standardize_targets"]!.GetValue<bool>());
        var test = Tool.Run("test", config, work, "--cfg-options", "train.dataset.count=1").Succeeds();
        Assert.Contains($"{work}: best_mae.safetensors is taken.", test.All, StringComparison.Ordinal);
        File.Delete(Path.Combine(work, "best_mae.safetensors"));
        Assert.Contains("epoch_1.safetensors is taken", Tool.Run("test", config, work).Succeeds().All, StringComparison.Ordinal);
        Assert.Equal(2, Tool.Run("test", config, work, "--unknown").All.Split("is taken").Length); // said once
        File.Copy(Path.Combine(work, "epoch_1.safetensors"), Path.Combine(work, "best_a.safetensors"));
        File.Copy(Path.Combine(work, "epoch_1.safetensors"), Path.Combine(work, "best_b.safetensors"));
        Tool.Run("test", config, work).IsMistake("several best checkpoints: best_a.safetensors, best_b.safetensors. Name one.");
    }

    private static double[] Numbers(Session session, string key) =>
        [.. ((ConfigList)session.Document.Find($"model.head.{key}")!).Select(node => double.Parse(((ConfigValue)node).Text))];

    private string WithShapes()
    {
        string Data(string split) =>
            $$"""{ "type": "Shapes", "task": "regression", "count": 12, "size": 32, "split": "{{split}}", "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] }""";
        return Write(Data("train"), Data("val"), "");
    }

    private string WithList(IEnumerable<(int A, int B)> targets, string given = "")
    {
        var list = Path.Combine(_folder, "list.csv");
        File.WriteAllLines(list, targets.Select((pair, i) => $"{i}.png,{pair.A},{pair.B}").Prepend("image,a,b"));
        var data = $$"""{ "type": "ImageList", "path": "{{list}}", "root": "{{_folder}}", "target_columns": ["a", "b"], "pipeline": [] }""";
        return Write(data, data, given);
    }

    private string Write(string train, string val, string given)
    {
        var path = Path.Combine(_folder, $"{Guid.NewGuid():N}.json");
        File.WriteAllText(
            path,
            $$"""
            {
              "seed": 3, "precision": "fp32", "threads": 1, "device": "cpu",
              "model": {
                "type": "ImageRegressor",
                "backbone": { "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 4, "strides": [2, 2, 2, 1] },
                "head": { "type": "RegressionHead", {{given}} "standardize_targets": true }
              },
              "train": { "epochs": 1, "loader": { "batch_size": 6, "workers": 1 }, "dataset": {{train}} },
              "val": { "loader": { "batch_size": 6, "workers": 1 }, "dataset": {{val}}, "metrics": { "errors": { "type": "RegressionErrors" } } },
              "optimizer": { "type": "Sgd", "lr": 0.05 },
              "hooks": { "checkpoint": { "type": "CheckpointHook", "every_epochs": 1, "save_best": { "metric": "mae" } } }
            }
            """
        );
        return path;
    }
}
