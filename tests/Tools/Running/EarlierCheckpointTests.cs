using System.Globalization;
using System.Text.Json;

namespace Tessera.Tests.Tools.Running;

/// <summary>Checkpoints written at commit 6ff521a, on the tensor layer of that time (tests/Fixtures/checkpoints/earlier).</summary>
public sealed class EarlierCheckpointTests : IDisposable
{
    private readonly TrainingRun _run = new();

    public void Dispose() => _run.Dispose();

    private static JsonElement Expected(string name) => FixtureFile.Json("checkpoints", "earlier", "expected.json").GetProperty(name);

    private static string At(string file) => FixtureFile.At("checkpoints", "earlier", file);

    [Theory]
    [InlineData("sgd")]
    [InlineData("adamw")]
    public void Test_OfAnEarlierCheckpoint_MeasuresTheSame(string name)
    {
        var (code, _, error) = ToolProcess.Run(
            _run.Folder,
            "test",
            At($"{name}.json"),
            At($"{name}-epoch_2.safetensors"),
            "--out",
            "metrics.json",
            "--no-predictions" // the checkpoint's folder is a fixture
        );
        Assert.True(code == 0, error);
        var found = JsonDocument.Parse(File.ReadAllText(_run.At("metrics.json"))).RootElement;
        foreach (var metric in Expected(name).GetProperty("test").EnumerateObject())
            Assert.Equal(metric.Value.GetDouble(), found.GetProperty(metric.Name).GetDouble(), 1e-9);
    }

    [Fact]
    public void Predict_WithAnEarlierCheckpoint_Works()
    {
        File.WriteAllBytes(_run.At("image.png"), EndToEnd.TinyRun.Png(1));
        var (code, output, error) = ToolProcess.Run(_run.Folder, "predict", At("sgd-epoch_2.safetensors"), "image.png", "--out-dir", "out");
        Assert.True(code == 0, output + error);
    }

    /// <summary>The epoch that follows, with the momentum, rates and random state of the checkpoint, is the one that followed then, up to
    /// rounding.</summary>
    [Theory]
    [InlineData("sgd")]
    [InlineData("adamw")]
    public void Resume_FromAnEarlierCheckpoint_GoesOnAsItDid(string name)
    {
        var work = Directory.CreateDirectory(_run.At("work")).FullName;
        File.Copy(At($"{name}-epoch_2.safetensors"), Path.Combine(work, "epoch_2.safetensors"));
        File.WriteAllText(Path.Combine(work, "last_checkpoint"), "epoch_2.safetensors\n");
        using var process = _run.Start(At($"{name}.json"), work, resume: true);
        _run.Finish(process);
        Assert.Equal(Numbers(name, "losses"), Rows(work, "loss"), (a, b) => Math.Abs(a - b) < 2e-3);
        Assert.Equal(Numbers(name, "rates"), Rows(work, "lr"), (a, b) => Math.Abs(a - b) < 1e-9);
    }

    private static double[] Numbers(string name, string what) =>
        [.. Expected(name).GetProperty(what).EnumerateArray().Select(number => number.GetDouble())];

    private static double[] Rows(string work, string value) =>
        [
            .. TrainingRun
                .Losses(work, value: value)
                .Where(row => row.Key > 8)
                .Select(row => double.Parse(row.Value, CultureInfo.InvariantCulture)),
        ];
}
