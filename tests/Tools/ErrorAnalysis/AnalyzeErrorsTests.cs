using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.Predictions;
using Tessera.Tools.Output;

namespace Tessera.Tests.Tools.ErrorAnalysis;

[Collection(InProcess.Name)]
public sealed class AnalyzeErrorsTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    private const double Tolerance = 1e-9;

    [Fact]
    public void Detector_HasTheKindsOfItsErrors_AndTheMetricsFigure()
    {
        var found = Analyze(DataTask.Detection, runs.Trained(DataTask.Detection), "--similar", "circle,star");
        var (tide, coco) = (found["tide"]!, found["coco"]!);
        var metrics = runs.At("detection-metrics.json");
        Tool.Run("eval-metric", runs.ConfigOf(DataTask.Detection), runs.Trained(DataTask.Detection), "--out", metrics).Succeeds();
        Assert.Equal((double)JsonNode.Parse(File.ReadAllText(metrics))!["bbox/AP50"]!, (double)coco["mean"]!["all"]!["C50"]!, Tolerance);
        Assert.Equal(1, (double)coco["mean"]!["all"]!["FN"]!, Tolerance);
        Assert.Equal(
            ["classification", "localisation", "both", "duplicate", "background", "missed"],
            tide["counts"]!.AsObject().Select(entry => entry.Key)
        );
        Assert.Equal(101, coco["curves"]!["C75"]!.AsArray().Count);
    }

    [Theory]
    [InlineData(DataTask.Classification)]
    [InlineData(DataTask.MultiLabel)]
    [InlineData(DataTask.Detection)]
    [InlineData(DataTask.Segmentation)]
    public void PerfectPredictions_HaveNothingToGain(DataTask task)
    {
        runs.Trained(task); // writes the config
        var found = Analyze(task, runs.Perfect(task));
        switch (task)
        {
            case DataTask.Detection:
                Assert.All(found["tide"]!["gains"]!.AsObject(), gain => Assert.Equal(0, (double)gain.Value!, Tolerance));
                break;
            case DataTask.Segmentation:
                Assert.Equal((0L, 1.0), ((long)found["wrong"]!, (double)found["mIoU"]!));
                break;
            default:
                Assert.Equal(0, (double)found["calibration"]!["plain"]!["ece"]!, 1e-6);
                break;
        }
    }

    [Fact]
    public void Classifier_TemperatureIsFittedOnFoldsOrOnVal_AndSaysSo()
    {
        var folds = Analyze(DataTask.Classification, runs.Trained(DataTask.Classification))["calibration"]!;
        Assert.Contains("5 folds", (string)folds["temperature_from"]!, StringComparison.Ordinal);
        // The same data once more as test: then val's predictions are there to fit on.
        var config = JsonNode.Parse(File.ReadAllText(runs.ConfigOf(DataTask.Classification)))!;
        config["test"] = config["val"]!.DeepClone();
        config["test"]!["dataset"]!["split"] = "test";
        var path = runs.At("with-test.json");
        File.WriteAllText(path, config.ToJsonString());
        var folder = runs.Trained(DataTask.Classification);
        Tool.Run("test", path, runs.Checkpoint(DataTask.Classification), "--work-dir", folder).Succeeds();
        try
        {
            var output = runs.At("fitted");
            Tool.Run("analyze-errors", path, folder, "--out-dir", output).Succeeds();
            var fitted = JsonNode.Parse(File.ReadAllText(Path.Combine(output, "errors.json")))!;
            Assert.Equal("test", (string)fitted["part"]!);
            Assert.Contains("val.jsonl", (string)fitted["calibration"]!["temperature_from"]!, StringComparison.Ordinal);
            Tool.Run("analyze-errors", path, folder, "--temperature-from", Path.Combine(folder, "predictions", "test.jsonl"))
                .IsMistake("judged with", "another part");
        }
        finally
        {
            File.Delete(Path.Combine(folder, "predictions", "test.jsonl"));
        }
    }

    [Fact]
    public void WhatCanNotBeAnalysed_IsOneMessage_AndWritesNothing()
    {
        var config = runs.ConfigOf(DataTask.Classification);
        var folder = runs.Trained(DataTask.Classification);
        var output = runs.At("nothing");
        Said Of(params string[] arguments) => Tool.Run([.. arguments, "--out-dir", output]);

        runs.Trained(DataTask.Detection);
        Of("analyze-errors", runs.ConfigOf(DataTask.Detection), folder).IsMistake("classification", "detection");
        Of("analyze-errors", config, runs.Perfect(DataTask.Classification, 10)).IsMistake("have no line", "another data set");
        runs.Trained(DataTask.Regression);
        Of("analyze-errors", runs.ConfigOf(DataTask.Regression), runs.Trained(DataTask.Regression))
            .IsMistake("is for regression", "analyze-results");
        Of("analyze-errors", config, folder, "--similar", "circle,star").IsMistake("for detectors");
        Of("analyze-errors", runs.ConfigOf(DataTask.Detection), runs.Trained(DataTask.Detection), "--similar", "circle,stra")
            .IsMistake("\"stra\"", "Did you mean \"star\"?");

        var cut = runs.At("cut");
        Directory.CreateDirectory(Path.Combine(cut, "predictions"));
        var lines = File.ReadAllLines(Path.Combine(folder, "predictions", "val.jsonl"));
        File.WriteAllLines(Path.Combine(cut, "predictions", "val.jsonl"), lines[..^2]);
        Of("analyze-errors", config, cut).IsMistake("val.jsonl");
        Assert.False(Directory.Exists(output));
    }

    // The disk is full at the second file.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FullDisk_LeavesTheFolderAsItWas(bool isThere)
    {
        var folder = runs.At($"full-{isThere}");
        if (isThere)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "errors.json"), "before");
        }
        var opened = 0;
        var files = new FileSet(folder, path => ++opened == 2 ? throw new IOException("No space left on device", 28) : File.Create(path));
        files.Add("errors.json", "{}");
        files.Add("pictures/a.png", [1, 2, 3]);
        var said = Tool.Capture(() =>
        {
            var (message, isMistake) = CommandLine.Describe(Assert.Throws<IOException>(() => files.Write()), []);
            Console.Error.WriteLine(message);
            return isMistake ? CommandLine.Mistake : CommandLine.Failure;
        });
        said.IsMistake("The disk is full", "untouched");
        if (!isThere)
            Assert.False(Directory.Exists(folder));
        else
        {
            Assert.Equal("before", File.ReadAllText(Path.Combine(folder, "errors.json")));
            Assert.Single(Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories));
        }
    }

    private JsonNode Analyze(DataTask task, string results, params string[] more)
    {
        var output = runs.At($"errors-{Guid.NewGuid():N}");
        var said = Tool.Run(["analyze-errors", runs.ConfigOf(task), results, "--out-dir", output, .. more]).Succeeds();
        foreach (var picture in Directory.GetFiles(output, "*.png"))
        {
            Assert.Equal(0x89, File.ReadAllBytes(picture)[0]);
            Assert.Contains(Path.GetFileName(picture), said.Output, StringComparison.Ordinal);
        }
        return JsonNode.Parse(File.ReadAllText(Path.Combine(output, "errors.json")))!;
    }
}
