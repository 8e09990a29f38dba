using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Pictures;
using Tessera.Results;
using Tessera.Tests.Tools.Predictions;
using Tessera.Tools.Conversion;
using Tessera.Tools.Output;

namespace Tessera.Tests.Tools.ErrorAnalysis;

[Collection(InProcess.Name)]
public sealed class ThresholdToolTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    [Fact]
    public void Predictor_LeavesOutWhatScoresLessThanTheCheckpointsThreshold()
    {
        var (plain, marked) = (runs.Checkpoint(DataTask.Detection), runs.At("marked.safetensors"));
        using (var checkpoint = Checkpoint.Open(plain))
        {
            var info = checkpoint.Info with
            {
                ScoreThresholds = new Dictionary<string, double> { ["square"] = 2, ["star"] = 0 },
            };
            CheckpointCopy.Write(checkpoint, marked, info);
        }
        using (var first = Checkpoint.Open(plain))
        using (var second = Checkpoint.Open(marked))
        {
            Assert.Equal(first.Tensors.Keys.Order(), second.Tensors.Keys.Order());
            foreach (var name in first.Tensors.Keys)
            {
                using var a = first.Read(name);
                using var b = second.Read(name);
                Assert.Equal(a.bytes.ToArray(), b.bytes.ToArray());
            }
        }
        var image = new Image(64, 64, 3);
        new Random(1).NextBytes(image.Bytes);
        using var before = Predictor.Load(plain, new PredictorOptions { Device = "cpu" });
        using var after = Predictor.Load(marked, new PredictorOptions { Device = "cpu" });
        using var asked = Predictor.Load(marked, new PredictorOptions { Device = "cpu", ScoreThr = 0 });
        Assert.Empty(before.Thresholds);
        Assert.Equal(2, after.Thresholds["square"]);
        var all = before.Detect(image).Objects;
        Assert.Contains(all, found => found.ClassName == "square");
        Assert.Equal(all.Where(found => found.ClassName != "square"), after.Detect(image).Objects);
        Assert.Equal(all, asked.Detect(image).Objects); // a threshold that is asked for takes their place
    }

    [Fact]
    public void SeveralLabels_ArePresentFromTheirThresholdOn()
    {
        var data = new DataInfo(["a", "b", "c"], DataTask.MultiLabel);
        var raw = new ClassPrediction([0.4f, 0.6f, 0.7f], 2);
        Assert.Equal(["c", "b"], Present(null));
        var thresholds = new Dictionary<string, double> { ["a"] = 0.3, ["c"] = 0.9 };
        Assert.Equal(["b", "a"], Present(thresholds));
        using var table = new StringWriter();
        new PredictionTable(table, data, thresholds).Write("1.png", raw);
        Assert.Equal("image,predicted,a,b,c\r\n1.png,a;b,0.4,0.6,0.7\r\n", table.ToString());
        using var lines = new StringWriter();
        new PredictionLines(lines, data, thresholds).Write("1.png", raw);
        Assert.Contains("\"predicted\":[\"a\",\"b\"]", lines.ToString(), StringComparison.Ordinal);
        var image = new Image(16, 16, 3);
        using var usual = PredictionDrawing.Draw(image, raw, data); // b and c
        using var chosen = PredictionDrawing.Draw(image, raw, data, thresholds: thresholds);
        using var alone = PredictionDrawing.Draw(image, raw, data, thresholds: new Dictionary<string, double> { ["b"] = 0.9 });
        Assert.Equal(usual.ToImage().Height, chosen.ToImage().Height); // two lines each, of other words
        Assert.NotEqual(usual.ToImage().Bytes.ToArray(), chosen.ToImage().Bytes.ToArray());
        Assert.True(alone.ToImage().Height < usual.ToImage().Height);

        IEnumerable<string> Present(IReadOnlyDictionary<string, double>? thresholds) =>
            ((Classification)Result.Of(raw, data, thresholds)).Present.Select(entry => entry.Name);
    }

    [Theory]
    [InlineData(DataTask.Detection)]
    [InlineData(DataTask.MultiLabel)]
    public void Tool_WritesThresholdsIntoACheckpointThatToolsTake(DataTask task)
    {
        var (output, checkpoint) = (runs.At($"thresholds-{task}"), runs.At($"thresholds-{task}.safetensors"));
        Tool.Run(
                "find-threshold",
                runs.ConfigOf(task),
                runs.Checkpoint(task),
                "--rule",
                "precision:0.5",
                "--out-dir",
                output,
                "--out-checkpoint",
                checkpoint
            )
            .Succeeds();
        var found = JsonNode.Parse(File.ReadAllText(Path.Combine(output, "thresholds.json")))!["classes"]!.AsArray();
        using (var opened = Checkpoint.Open(checkpoint))
            Assert.Equal(
                found
                    .Where(row => row!["threshold"] is not null)
                    .ToDictionary(row => (string)row!["name"]!, row => (double)row!["threshold"]!),
                opened.Info.ScoreThresholds
            );
        Tool.Run("test", runs.ConfigOf(task), checkpoint, "--no-predictions").Succeeds();
    }

    [Fact]
    public void Mistakes_AreOneMessage()
    {
        var (config, checkpoint, output) = (
            runs.ConfigOf(DataTask.Detection),
            runs.Checkpoint(DataTask.Detection),
            runs.At("no-thresholds")
        );
        Said Run(params string[] more) => Tool.Run(["find-threshold", config, checkpoint, "--out-dir", output, .. more]);
        Run("--rule", "f2").IsMistake("precision:0.9");
        Run("--split", "train").IsMistake("too sure");
        Run("--out-checkpoint", checkpoint).IsMistake("CHECKPOINT itself");
        Run("--out-checkpoint", runs.At("x.pth")).IsMistake(".safetensors");
        Tool.Run("find-threshold", runs.ConfigOf(DataTask.Classification), runs.Checkpoint(DataTask.Classification), "--out-dir", output)
            .IsMistake("is for classification", "detection and multi_label");
        Assert.False(Directory.Exists(output));
    }
}
