using System.Text.Json.Nodes;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Predictions;

namespace Tessera.Tests.Tools.Predictions;

/// <summary>What training and tools/test store, and what reads it.</summary>
[Collection(InProcess.Name)]
public sealed class PredictionFileTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    public static TheoryData<DataTask> Tasks => TaskRuns.Tasks;

    [Theory]
    [MemberData(nameof(Tasks))]
    public void Training_StoresItsLastEvaluation_WhichMeasuresTheSameToTheDigit(DataTask task)
    {
        var workDir = runs.Trained(task);

        var file = PredictionFile.Open(workDir);
        Assert.Equal(("val", task, 24), (file.Header.Part, file.Data.Task, file.Images.Count));
        Assert.Equal("iteration 4 of the run", file.Header.Weights);
        Assert.Equal(task == DataTask.Regression ? 0 : 3, file.Data.Classes.Count(name => name is "circle" or "square" or "star"));

        var measured = runs.At("measured.json");
        Tool.Run("eval-metric", runs.ConfigOf(task), workDir, "--out", measured).Succeeds();
        Assert.Equal(file.Metrics, Metrics(measured));
        Assert.DoesNotContain(
            Directory.EnumerateFileSystemEntries(PredictionFolder.Of(workDir)),
            path => path.EndsWith(".tmp", StringComparison.Ordinal)
        );
    }

    [Theory]
    [MemberData(nameof(Tasks))]
    public void Test_StoresWhatItMeasures(DataTask task)
    {
        var (workDir, metrics) = (runs.At($"{task}-tested"), runs.At("metrics.json"));
        Tool.Run("test", runs.ConfigOf(task), runs.Checkpoint(task), "--work-dir", workDir, "--out", metrics).Succeeds();

        var file = PredictionFile.Open(workDir);
        Assert.Equal(Metrics(metrics), file.Metrics);
        Assert.Equal(PredictionFile.Open(runs.Trained(task)).DataHash, file.DataHash);
        Tool.Run("eval-metric", runs.ConfigOf(task), file.FullName, "--out", runs.At("again.json")).Succeeds();
        Assert.Equal(File.ReadAllText(metrics), File.ReadAllText(runs.At("again.json")));
    }

    [Theory]
    [MemberData(nameof(Tasks))]
    public void Reader_GivesBackWhatWasWritten(DataTask task)
    {
        var dataset = new Shapes(new ShapesOptions(Count: 6, Size: 32, Task: task));
        var folder = runs.At($"{task}-written");
        using (var writer = PredictionFileWriter.Create(folder, new PredictionHeader("test", dataset.Info, "weights.pth"), dataRoot: null))
        {
            for (var i = 0; i < 6; i++)
                writer.Write(dataset.Get(i), TaskRuns.Right(dataset.Get(i), dataset.Info));
            writer.Complete(new Dictionary<string, double> { ["a"] = 0.1, ["b"] = double.NaN });
        }
        var file = PredictionFile.Open(folder);

        Assert.Equal(("test", "weights.pth"), (file.Header.Part, file.Header.Weights));
        Assert.Equal(dataset.Info.Classes, file.Data.Classes);
        Assert.Equal([("a", 0.1), ("b", double.NaN)], file.Metrics.Select(value => (value.Key, value.Value)));
        for (var i = 0; i < 6; i++)
        {
            var (sample, image) = (dataset.Get(i), file.Images[i]);
            Assert.Equal(
                (sample.Name.Replace('\\', '/'), (long)i, TruthHash.Of(sample, dataset.Info)),
                (image.Image, image.Index, image.TruthHash)
            );
            Same(TaskRuns.Right(sample, dataset.Info), image.Load());
            Assert.Equal(task == DataTask.Classification ? sample.Truth.Label : null, image.Truth.Label);
            Assert.Equal(task == DataTask.MultiLabel ? sample.Truth.MultiLabel : null, image.Truth.MultiLabel);
            Assert.Equal(task == DataTask.Regression ? sample.Truth.Targets : null, image.Truth.Targets);
        }
    }

    [Fact]
    public void Train_CanLeaveThemOut_AndOverwriteRemovesThem()
    {
        var task = DataTask.Classification;
        _ = runs.Trained(task);
        var workDir = runs.At("left-out");
        Tool.Run("train", runs.ConfigOf(task), "--work-dir", workDir).Succeeds();
        Assert.True(File.Exists(PredictionFolder.FileOf(workDir, "val")));
        Tool.Run("train", runs.ConfigOf(task), "--work-dir", workDir, "--overwrite", "--cfg-options", "hooks.predictions=null").Succeeds();
        Assert.False(File.Exists(PredictionFolder.FileOf(workDir, "val")));
        Tool.Run("test", runs.ConfigOf(task), Path.Combine(workDir, "iter_4.safetensors"), "--no-predictions").Succeeds();
        Assert.False(File.Exists(PredictionFolder.FileOf(workDir, "val")));
        Tool.Run("test", runs.ConfigOf(task), Path.Combine(workDir, "iter_4.safetensors")).Succeeds();
        Assert.True(File.Exists(PredictionFolder.FileOf(workDir, "val")));
    }

    [Fact]
    public void Train_ThatEndsEarly_StoresTheEvaluationThatEndedIt()
    {
        _ = runs.Trained(DataTask.Classification);
        var workDir = runs.At("early");
        Tool.Run(
                "train",
                runs.ConfigOf(DataTask.Classification),
                "--work-dir",
                workDir,
                "--cfg-options",
                "optimizer.lr=1e-12",
                "train.iterations=9",
                "train.validate_every=1",
                """hooks.early={"type":"EarlyStoppingHook","metric":"accuracy/top1","patience":1,"min_delta":1}"""
            )
            .Succeeds();
        Assert.Equal("iteration 3 of the run", PredictionFile.Open(workDir).Header.Weights); // the first is the best, and two are without gain
    }

    [Fact]
    public void Writer_ThatDoesNotComeToItsEnd_LeavesWhatWasThere()
    {
        var dataset = new Shapes(new ShapesOptions(Count: 2, Size: 32, Task: DataTask.Segmentation));
        var folder = runs.Perfect(DataTask.Segmentation, 4);
        var before = Directory.GetFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(path => path, File.ReadAllBytes);
        using (var writer = PredictionFileWriter.Create(folder, new PredictionHeader("val", dataset.Info), dataRoot: null))
            writer.Write(dataset.Get(0), TaskRuns.Right(dataset.Get(0), dataset.Info));
        Assert.Equal(before, Directory.GetFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(path => path, File.ReadAllBytes));
        Assert.Equal(4, PredictionFile.Open(folder).Images.Count);
    }

    [Fact]
    public void Recorder_WhereNothingCanBeWritten_WarnsAndGoesOn()
    {
        var blocked = runs.At("blocked");
        File.WriteAllText(blocked, "");
        var dataset = new Shapes(new ShapesOptions(Count: 1, Size: 32));
        var warnings = new List<string>();
        using var recorder = new PredictionRecorder(
            () => PredictionFileWriter.Create(blocked, new PredictionHeader("val", dataset.Info), dataRoot: null),
            warnings.Add
        );
        recorder.Write(dataset.Get(0), TaskRuns.Right(dataset.Get(0), dataset.Info));
        recorder.Write(dataset.Get(0), TaskRuns.Right(dataset.Get(0), dataset.Info));
        Assert.Null(recorder.Complete(new Dictionary<string, double>()));
        Assert.StartsWith("The predictions are not stored: ", Assert.Single(warnings), StringComparison.Ordinal);
    }

    /// <summary>The score that a generative model gives an image belongs into no such file: a run is not warned of it, who asked for the
    /// file is.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Recorder_Scores_AreLeftOut(bool asked)
    {
        var folder = runs.At(asked ? "asked" : "not_asked");
        var dataset = new Shapes(new ShapesOptions(Count: 1, Size: 32));
        var warnings = new List<string>();
        using (
            var recorder = new PredictionRecorder(
                () => PredictionFileWriter.Create(folder, new PredictionHeader("val", dataset.Info), dataRoot: null),
                warnings.Add
            )
        )
        {
            if (asked)
                recorder.Open();
            recorder.Write(dataset.Get(0), new ScorePrediction("noise_mse", 0.5));
            recorder.Write(dataset.Get(0), new ScorePrediction("noise_mse", 0.5));
            Assert.Null(recorder.Complete(new Dictionary<string, double>()));
        }
        Assert.False(
            Directory.Exists(Path.Combine(folder, "predictions")) && Directory.EnumerateFiles(Path.Combine(folder, "predictions")).Any()
        );
        Assert.Equal(
            asked
                ? ["The predictions are not stored: shapes/train/000000: a ScorePrediction is no prediction for classification data."]
                : [],
            warnings
        );
    }

    [Theory]
    [InlineData("{\"image\":", "val.jsonl:2  This is no valid JSON.")]
    [InlineData("[]", "val.jsonl:2  An object was expected.")]
    [InlineData("""{"index":0,"truth_hash":"0123456789abcdef","scores":[1,0,0]}""", "It lacks image")]
    [InlineData("""{"image":"a","index":0,"truth_hash":"xyz","scores":[1,0,0]}""", "16 characters")]
    [InlineData(
        """{"image":"a","index":0,"truth_hash":"0123456789abcdef","scores":[1,0]}""",
        "Scores has 2 numbers; the first line names 3"
    )]
    [InlineData(
        """{"image":"a","index":0,"truth_hash":"0123456789abcdef","truth":"circel","scores":[1,0,0]}""",
        "Did you mean \"circle\"?"
    )]
    [InlineData("""{"images":1,"metrics":{}}""", "The file is of 1 images and has 0")]
    [InlineData(null, "cut off")]
    public void Reader_OfADamagedFile_NamesLineAndFault(string? line, string fault)
    {
        var path = runs.At("damaged", "val.jsonl");
        Directory.CreateDirectory(runs.At("damaged"));
        File.WriteAllLines(
            path,
            [
                """{"tessera_predictions":1,"task":"classification","part":"val","classes":["circle","square","star"]}""",
                .. line is null ? Array.Empty<string>() : [line],
            ]
        );
        Assert.Contains(fault, Assert.Throws<UserErrorException>(() => PredictionFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reader_NeverLeavesTheFolderOfMaps()
    {
        var file = PredictionFolder.FileOf(runs.Perfect(DataTask.Segmentation, 3), "val");
        File.WriteAllText(file, File.ReadAllText(file).Replace("000001.png", "../000001.png", StringComparison.Ordinal));
        Assert.Contains(
            "no file's name",
            Assert.Throws<UserErrorException>(() => PredictionFile.Open(file)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void EvalMetric_OfOtherData_SaysSo()
    {
        _ = runs.Trained(DataTask.Classification);
        Tool.Run("eval-metric", runs.ConfigOf(DataTask.Classification), runs.Perfect(DataTask.Classification, 5))
            .IsMistake("19 of the data set's 24 samples have no line", "another data set");
        Tool.Run("eval-metric", runs.ConfigOf(DataTask.Classification), runs.Perfect(DataTask.MultiLabel))
            .IsMistake("predictions are for multi_label data", "data is for classification");
    }

    [Theory]
    [InlineData("/data/a/b.jpg", "/data", "a/b.jpg")]
    [InlineData("/data/a/b.jpg", "/data/", "a/b.jpg")]
    [InlineData("/data/../data/b.zip:c/d.png", "/data", "b.zip:c/d.png")]
    [InlineData("/database/b.jpg", "/data", "/database/b.jpg")]
    [InlineData("shapes 3", null, "shapes 3")]
    [InlineData("shapes 3", "/data", "shapes 3")]
    public void Images_AreNamedBelowTheDataRoot(string name, string? root, string expected) =>
        Assert.Equal(expected, ImageNaming.Relative(name, root));

    [Fact]
    public void TruthHash_TellsTruthsApart_AndNotClassOrders()
    {
        var (a, b) = (new DataInfo(["x", "y"], DataTask.Classification), new DataInfo(["y", "x"], DataTask.Classification));
        static Sample Labelled(int label) =>
            new()
            {
                Index = 0,
                Name = "n",
                Truth = new GroundTruth { Label = label },
            };
        Assert.Equal(TruthHash.Of(Labelled(0), a), TruthHash.Of(Labelled(1), b));
        Assert.NotEqual(TruthHash.Of(Labelled(0), a), TruthHash.Of(Labelled(1), a));
        Assert.Equal(["n", "m", "n#2"], ImageNaming.Distinct(["n", "m", "n"]));
    }

    private static Dictionary<string, double> Metrics(string path) =>
        JsonNode.Parse(File.ReadAllText(path))!.AsObject().ToDictionary(value => value.Key, value => (double?)value.Value ?? double.NaN);

    private static void Same(Prediction expected, Prediction actual)
    {
        switch (expected, actual)
        {
            case (ClassPrediction a, ClassPrediction b):
                Assert.Equal(a.Scores, b.Scores);
                Assert.Equal(a.Label, b.Label);
                break;
            case (RegressionPrediction a, RegressionPrediction b):
                Assert.Equal(a.Values, b.Values);
                break;
            case (DetectionPrediction a, DetectionPrediction b):
                Assert.Equal(a.Corners, b.Corners);
                Assert.Equal(a.Scores, b.Scores);
                Assert.Equal(a.Labels, b.Labels);
                break;
            case (SegmentationPrediction a, SegmentationPrediction b):
                Assert.Equal((a.Map.Height, a.Map.Width), (b.Map.Height, b.Map.Width));
                Assert.Equal(a.Map.Bytes, b.Map.Bytes);
                break;
            case (PanopticPrediction a, PanopticPrediction b):
                Assert.Equal((a.Map.Height, a.Map.Width), (b.Map.Height, b.Map.Width));
                Assert.Equal(a.Map.Map.Bytes, b.Map.Map.Bytes);
                Assert.Equal(a.Map.Segments.Select(segment => segment.Label), b.Map.Segments.Select(segment => segment.Label));
                break;
            default:
                Assert.Fail($"{expected.GetType().Name} became {actual.GetType().Name}.");
                break;
        }
    }
}
