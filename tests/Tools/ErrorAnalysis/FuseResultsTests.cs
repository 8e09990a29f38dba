using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Predictions;
using Tessera.Tests.Tools.Predictions;

namespace Tessera.Tests.Tools.ErrorAnalysis;

[Collection(InProcess.Name)]
public sealed class FuseResultsTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    private static readonly Tessera.Datasets.Synthetic.Shapes s_shapes = new(
        new(
            Count: 24,
            Size: 64,
            Split: Tessera.Datasets.Synthetic.ShapesSplit.Val,
            Task: DataTask.Detection,
            Classes: ["circle", "square", "star"]
        )
    );

    // Each of two detectors finds every other object; together they find all. Boxes are where they were: x, y, width, height in files.
    [Theory]
    [InlineData("wbf")]
    [InlineData("nms")]
    [InlineData("soft_nms")]
    [InlineData("nmw")]
    public void TwoHalves_MakeAWhole(string method)
    {
        var config = runs.ConfigOf(DataTask.Detection);
        runs.Trained(DataTask.Detection);
        var whole = runs.Perfect(DataTask.Detection);
        var (first, second) = (Half(whole, 0), Half(whole, 1));
        var output = runs.At($"fused-{method}");
        var said = Tool.Run("fuse-results", first, second, "--config", config, "--method", method, "--out-dir", output).Succeeds();
        var found = JsonNode.Parse(File.ReadAllText(Path.Combine(output, "fused.json")))!;
        Assert.Equal(1, (double)found["fused"]!["bbox/AP"]!, 1e-9);
        Assert.All(found["members"]!.AsArray(), member => Assert.InRange((double)member!["metrics"]!["bbox/AP"]!, 0.2, 0.8));
        Assert.Contains("gain on the best", said.Output, StringComparison.Ordinal);
        // What was written is taken by the tools that take results, and gives the same figures.
        var metrics = runs.At($"fused-{method}.json");
        Tool.Run("eval-metric", config, output, "--out", metrics).Succeeds();
        Assert.Equal(1, (double)JsonNode.Parse(File.ReadAllText(metrics))!["bbox/AP"]!, 1e-9);
        Tool.Run(
                "fuse-results",
                Path.Combine(output, "predictions", "val.boxes.json"),
                second,
                "--config",
                config,
                "--out-dir",
                runs.At("again")
            )
            .Succeeds();
    }

    // The config evaluates test; what the files say they are of counts. The work dir that they lie in has the config.
    [Fact]
    public void FilesOfVal_AreMeasuredOnVal_WithTheirRunsConfig()
    {
        var workDir = runs.Trained(DataTask.Detection);
        var file = PredictionFolder.FileOf(workDir, "val");
        Tool.Run("fuse-results", file, file, "--out-dir", runs.At("fused-files")).Succeeds();

        var config = (JsonObject)
            JsonNode.Parse(
                File.ReadAllText(runs.ConfigOf(DataTask.Detection)),
                documentOptions: new() { CommentHandling = System.Text.Json.JsonCommentHandling.Skip, AllowTrailingCommas = true }
            )!;
        config["test"] = config["val"]!.DeepClone();
        config["test"]!["dataset"]!["count"] = 5;
        config["test"]!["dataset"]!["split"] = "test";
        var both = runs.At("both.json");
        File.WriteAllText(both, config.ToJsonString());
        Tool.Run("fuse-results", file, file, "--config", both, "--out-dir", runs.At("fused-both")).Succeeds();
        Tool.Run("eval-metric", both, file).Succeeds();
        Tool.Run("analyze-errors", both, file, "--out-dir", runs.At("errors-both")).Succeeds();
        Tool.Run("eval-metric", both, workDir).IsMistake("has the predictions of val, the config evaluates test");
    }

    [Fact]
    public void Masks_AreFused_WhereAllHaveThem()
    {
        runs.Trained(DataTask.Detection);
        var (config, whole) = (runs.ConfigOf(DataTask.Detection), runs.Perfect(DataTask.Detection));
        var (masks, output) = (WithMasks(whole, 64), runs.At("fused-masks"));
        Tool.Run("fuse-results", masks, masks, "--config", config, "--out-dir", output).Succeeds();
        var images = PredictionFile.Open(output).Images.Select(image => (DetectionPrediction)image.Load()).ToArray();
        Assert.Contains(images, image => image.Labels.Length > 0);
        Assert.All(
            images,
            image => Assert.All(image.Masks!.Zip(image.Corners.Chunk(4)), pair => Assert.Equal((int)pair.Second[0], pair.First.Box.X))
        );

        var mixed = Tool.Run("fuse-results", masks, whole, "--config", config, "--out-dir", runs.At("fused-mixed")).Succeeds();
        Assert.Contains("has boxes without masks, others have masks", mixed.Error, StringComparison.Ordinal);
        Assert.All(PredictionFile.Open(runs.At("fused-mixed")).Images, image => Assert.Null(((DetectionPrediction)image.Load()).Masks));
    }

    /// <summary>The same boxes, filled.</summary>
    private string WithMasks(string whole, int side)
    {
        var file = PredictionFile.Open(whole);
        var folder = $"{whole}-masks";
        using var writer = PredictionFileWriter.Create(folder, new PredictionHeader("val", file.Data), dataRoot: null);
        foreach (var image in file.Images)
        {
            var found = (DetectionPrediction)image.Load();
            writer.Write(
                s_shapes.Get((int)image.Index),
                found with
                {
                    Stated = null,
                    Masks = [.. found.Corners.Chunk(4).Select(corners => Filled([.. corners.Select(c => (int)c)], side))],
                }
            );
        }
        writer.Complete(new Dictionary<string, double>());
        return folder;

        static RunLengthMask Filled(int[] corners, int side)
        {
            var mask = new Image(side, side, 1);
            for (var y = corners[1]; y < Math.Max(corners[3], corners[1] + 1); y++)
                mask.Bytes.AsSpan((y * side) + corners[0], Math.Max(1, corners[2] - corners[0])).Fill(1);
            return RunLengthMask.Of(mask);
        }
    }

    [Fact]
    public void Mistakes_AreOneMessage()
    {
        var (config, whole, output) = (runs.ConfigOf(DataTask.Detection), runs.Perfect(DataTask.Detection), runs.At("not-fused"));
        runs.Trained(DataTask.Detection);
        Said Run(params string[] arguments) => Tool.Run(["fuse-results", .. arguments, "--out-dir", output]);
        Run(whole, "--config", config).IsMistake("two or more");
        Run(whole, whole).IsMistake("config.json", "--config CONFIG");
        Run(whole, whole, "--config", config, "--model-weights", "1").IsMistake("2 numbers");
        Run(whole, whole, "--config", config, "--model-weights", "0,0").IsMistake("not all 0");
        Run(whole, whole, "--config", config, "--method", "wfb").IsMistake("\"wfb\"", "Did you mean \"wbf\"?", "soft_nms");
        Run(whole, whole, "--config", config, "--method", "nms", "--score", "largest").IsMistake("--method wbf");
        Run(whole, runs.Perfect(DataTask.Detection, 7), "--config", config).IsMistake("another data set");
        Run(whole, runs.Trained(DataTask.Classification), "--config", config).IsMistake("classification", "detection");
        Tool.Run("fuse-results", whole, whole, "--config", config, "--out-dir", whole).IsMistake("written over");
        Run(whole, whole, "--config", runs.ConfigOf(DataTask.Classification)).IsMistake("tools/ensemble");
        Assert.False(Directory.Exists(output));
    }

    private string Half(string whole, int rest)
    {
        var file = PredictionFile.Open(whole);
        var folder = $"{whole}-half-{rest}";
        using var writer = PredictionFileWriter.Create(folder, new PredictionHeader("val", file.Data), dataRoot: null);
        var number = 0;
        foreach (var image in file.Images)
        {
            var found = (DetectionPrediction)image.Load();
            int[] kept = [.. Enumerable.Range(0, found.Labels.Length).Where(_ => number++ % 2 == rest)];
            writer.Write(
                s_shapes.Get((int)image.Index),
                new DetectionPrediction(
                    [.. kept.SelectMany(i => found.Corners[(4 * i)..(4 * (i + 1))])],
                    [.. kept.Select(i => found.Scores[i])],
                    [.. kept.Select(i => found.Labels[i])]
                )
            );
        }
        writer.Complete(new Dictionary<string, double>());
        return folder;
    }
}
