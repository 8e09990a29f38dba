using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Balance;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Models.Losses;

namespace Tessera.Tests.Tools.Sessions;

/// <summary>Class weights by rule: counted, told, and kept.</summary>
[Collection(InProcess.Name)]
public sealed class ClassWeightingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-weights").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>100,000 over itself, over 100, over 10.</summary>
    [Fact]
    public void MaxOverCount_ByHand() => Assert.Equal([1, 1000, 10_000], ClassWeights.MaxByCount([100_000, 100, 10]));

    /// <summary>12 samples of 3 classes that occur: 12 / (3 · 8), 12 / (3 · 3), 12 / (3 · 1); one that doesn't has 1. The mean over samples is
    /// (8 · 0.5 + 3 · 4/3 + 1 · 4) / 12 = 1.</summary>
    [Fact]
    public void Inverse_ByHand() => Assert.Equal([0.5, 4.0 / 3, 1, 4], ClassWeights.Inverse([8, 3, 0, 1]));

    [Fact]
    public void Fill_Classification_PutsTheNumbersIntoTheConfig_AndTellsThem()
    {
        using var session = Session.Open(Write("classification", "ImageClassifier", "\"class_weight\": \"max_over_count\""));
        var (notes, warnings) = Fill(session);
        var data = session.Data[DataPart.Train];
        var counts = new double[data.Info.Classes.Count];
        for (var i = 0; i < data.Count; i++)
            counts[data.Get(i).Truth.Label!.Value]++;
        var expected = counts.Select(count => count == 0 ? 1 : counts.Max() / count).ToArray();
        Assert.Equal(expected, Values(session, "model.head.loss.class_weight"));
        var note = Assert.Single(notes);
        Assert.StartsWith(
            "model.head.loss.class_weight: \"max_over_count\" of the training data's images: ",
            note,
            StringComparison.Ordinal
        );
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"{data.Info.Classes[1]} {counts[1]} ({expected[1]:0.####})"),
            note,
            StringComparison.Ordinal
        );
        Assert.Equal(counts.Contains(0) ? 1 : 0, warnings.Count);
    }

    [Theory]
    [InlineData(DataTask.MultiLabel, "images")]
    [InlineData(DataTask.Detection, "boxes")]
    [InlineData(DataTask.Segmentation, "pixels")]
    public void Count_OtherTasks_IsWhatTheTruthHolds(DataTask task, string unit)
    {
        var data = new Shapes(new ShapesOptions(Count: 30, Size: 32, Task: task));
        var expected = new long[data.Info.Classes.Count];
        for (var i = 0; i < data.Count; i++)
        {
            var truth = data.Get(i).Truth;
            if (truth.SegmentationMap is { } map)
                foreach (var value in map.Pixels<byte>())
                    expected[value]++;
            else if (truth.Boxes is { } boxes)
                foreach (var label in boxes.Labels)
                    expected[label]++;
            else
                for (var c = 0; c < expected.Length; c++)
                    expected[c] += truth.MultiLabel![c] > 0 ? 1 : 0;
        }
        var counted = ClassCounts.Of(data);
        Assert.Equal(unit, counted.Unit);
        Assert.Equal(expected, counted.Counts);
    }

    /// <summary>A class that never occurs weighs 1, and it is said.</summary>
    [Fact]
    public void Fill_ClassThatNeverOccurs_WeighsOne_WithAWarning()
    {
        using var session = Session.Open(Write("classification", "ImageClassifier", "\"class_weight\": \"inverse\"", count: 3));
        var (_, warnings) = Fill(session);
        var counts = ClassCounts.Of(session.Data[DataPart.Train]).Counts;
        var weights = Values(session, "model.head.loss.class_weight");
        Assert.Contains(0L, counts);
        Assert.All(counts.Zip(weights), pair => Assert.True(pair.First > 0 || pair.Second == 1));
        Assert.Contains("the training data has no images of ", Assert.Single(warnings), StringComparison.Ordinal);
    }

    /// <summary>Where a run goes on, the checkpoint's numbers hold; under another rule it is counted anew.</summary>
    [Fact]
    public void Fill_OfACheckpoint_TakesItsNumbers()
    {
        var saved = ConfigDocument.Parse(
            """{ "model": { "head": { "loss": { "class_weight": { "rule": "inverse", "values": [7, 8] } } } } }"""
        );
        using var same = Session.Open(Write("classification", "ImageClassifier", "\"class_weight\": \"inverse\""));
        var (notes, _) = Fill(same, saved);
        Assert.Equal([7, 8], Values(same, "model.head.loss.class_weight"));
        Assert.Equal(["model.head.loss.class_weight: \"inverse\", with the checkpoint's numbers."], notes);
        using var other = Session.Open(Write("classification", "ImageClassifier", "\"class_weight\": \"max_over_count\""));
        Fill(other, saved);
        Assert.NotEqual(2, Values(other, "model.head.loss.class_weight").Length);
    }

    /// <summary>From the command line: the log says the counts, the work dir and the checkpoint hold the numbers, and neither a resume nor a
    /// test needs the training data again.</summary>
    [Fact]
    public void Train_WithARule_KeepsItsNumbers()
    {
        var config = Write("multi_label", "ImageClassifier", "\"class_weight\": { \"rule\": \"effective\", \"beta\": 0.9 }");
        var work = Path.Combine(_folder, "run");
        var said = Tool.Run("train", config, "--work-dir", work).Succeeds();
        Assert.Contains("model.head.loss.class_weight: \"effective\" of the training data's images: ", said.All, StringComparison.Ordinal);
        var written = JsonNode.Parse(File.ReadAllText(Path.Combine(work, "config.json")))!["model"]!["head"]!["loss"]!["class_weight"]!;
        Assert.Equal(0.9, written["beta"]!.GetValue<double>());
        Assert.All(written["values"]!.AsArray(), value => Assert.True(value!.GetValue<double>() > 0));
        var resumed = Tool.Run("train", config, "--work-dir", work, "--resume", "--cfg-options", "train.epochs=2").Succeeds();
        Assert.Contains("\"effective\", with the checkpoint's numbers", resumed.All, StringComparison.Ordinal);
        var checkpoint = Path.Combine(work, "epoch_2.safetensors");
        Tool.Run("test", config, checkpoint, "--cfg-options", "train.dataset.count=1").Succeeds();
        using var session = Session.OfCheckpoint(checkpoint);
        Assert.Equal(
            written["values"]!.AsArray().Select(value => value!.GetValue<double>()),
            Values(session, "model.head.loss.class_weight")
        );
    }

    [Fact]
    public void Doctor_TellsTheWeights()
    {
        var said = Tool.Run("doctor", Write("multi_label", "ImageClassifier", "\"class_weight\": \"inverse\""));
        Assert.Contains("\"inverse\" of the training data's images", said.All, StringComparison.Ordinal);
    }

    private static (List<string> Notes, List<string> Warnings) Fill(Session session, ConfigDocument? saved = null)
    {
        var (notes, warnings) = (new List<string>(), new List<string>());
        ClassWeighting.Fill(session, saved, notes.Add, warnings.Add);
        return (notes, warnings);
    }

    private static double[] Values(Session session, string path)
    {
        Assert.True(ClassWeight.TryParse(session.Document.Find(path)!, out var weight));
        return weight!.Values!;
    }

    private string Write(string task, string model, string weight, int count = 32)
    {
        var path = Path.Combine(_folder, $"{Guid.NewGuid():N}.json");
        var loss = task == "multi_label" ? "BinaryCrossEntropyLoss" : "CrossEntropyLoss";
        string Data(string split, int images) =>
            $$"""{ "type": "Shapes", "task": "{{task}}", "count": {{images}}, "size": 32, "split": "{{split}}", "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] }""";
        File.WriteAllText(
            path,
            $$"""
            {
              "seed": 3, "precision": "fp32", "threads": 1, "device": "cpu",
              "model": {
                "type": "{{model}}",
                "backbone": { "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 4, "strides": [2, 2, 2, 1] },
                "head": { "type": "LinearHead", "loss": { "type": "{{loss}}", {{weight}} } }
              },
              "train": { "epochs": 1, "loader": { "batch_size": 16, "workers": 1 }, "dataset": {{Data("train", count)}} },
              "val": { "loader": { "batch_size": 10, "workers": 1 }, "dataset": {{Data("val", 10)}}, "metrics": { "map": { "type": "{{(
                task == "multi_label" ? "AveragePrecision" : "Accuracy"
            )}}" } } },
              "optimizer": { "type": "Sgd", "lr": 0.05 },
              "hooks": { "checkpoint": { "type": "CheckpointHook", "every_epochs": 1 } }
            }
            """
        );
        return path;
    }
}
