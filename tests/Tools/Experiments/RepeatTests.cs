namespace Tessera.Tests.Tools.Experiments;

/// <summary>tools/repeat, each run in a process of its own.</summary>
[Collection(InProcess.Name)]
public sealed class RepeatTests : IDisposable
{
    private readonly LinearShapes _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Repeat_ThreeSeeds_GivesTheArithmeticOfTheirRuns()
    {
        var said = Tool.Run("repeat", _files.ConfigPath, "--seeds", "3", "--work-dir", _files.At("out"), "--jobs", "2").Succeeds();
        var summary = _files.Json("out", "summary.json");
        Assert.Equal("repeat", summary["kind"]!.GetValue<string>());
        var runs = summary["runs"]!.AsArray();
        Assert.Equal(["seed-4", "seed-5", "seed-6"], runs.Select(run => run!["folder"]!.GetValue<string>()));
        Assert.All(runs, run => Assert.Null(run!["fold"]));
        Assert.All(runs, run => Assert.Equal((48, 30), (run!["train_samples"]!.GetValue<int>(), run["val_samples"]!.GetValue<int>())));

        // mean, deviation by n - 1, and t(0.975, 2) = 4.302652729911275 standard errors to each side
        var values = runs.Select(run => LinearShapes.Number(run!["metrics"]!["accuracy/top1"])).ToArray();
        Assert.True(values.Distinct().Count() > 1, "The seeds give the same accuracy; choose others for this test.");
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / 2);
        var metric = summary["metrics"]!["accuracy/top1"]!;
        Assert.Equal("greater", metric["better"]!.GetValue<string>());
        Assert.Equal(3, metric["runs"]!.GetValue<int>());
        Assert.Equal(mean, LinearShapes.Number(metric["mean"]), 1e-12);
        Assert.Equal(deviation, LinearShapes.Number(metric["deviation"]), 1e-12);
        var half = 4.302652729911275 * deviation / Math.Sqrt(3);
        Assert.Equal([mean - half, mean + half], metric["interval"]!.AsArray().Select(LinearShapes.Number), Near);

        Assert.Contains("final evaluation", said.Output, StringComparison.Ordinal);
        Assert.Contains("chosen on the very data it is measured on", said.Output, StringComparison.Ordinal); // save_best
        Assert.Equal(4, File.ReadAllLines(_files.At("out", "runs.csv")).Length);
        Assert.Equal([0x89, (byte)'P'], File.ReadAllBytes(_files.At("out", "runs.png"))[..2]);
    }

    [Fact]
    public void Repeat_TwoSeeds_GivesNoIntervalAndSaysSo()
    {
        var said = Tool.Run("repeat", _files.ConfigPath, "--seeds", "8,1", "--work-dir", _files.At("out")).Succeeds();
        Assert.Null(_files.Json("out", "summary.json")["metrics"]!["accuracy/top1"]!["interval"]);
        Assert.Contains("2 runs: an interval needs at least 3", said.Output, StringComparison.Ordinal);

        // A run within is the run alone: the same files, the same numbers.
        Tool.Run("train", _files.ConfigPath, "--seed", "8", "--work-dir", _files.At("alone")).Succeeds();
        Assert.Equal(
            _files.Json("alone", "result.json")["metrics"]!.ToJsonString(),
            _files.Json("out", "seed-8", "result.json")["metrics"]!.ToJsonString()
        );
        Assert.Equal(Running.TrainingRun.Losses(_files.At("alone")), Running.TrainingRun.Losses(_files.At("out", "seed-8")));

        // Again: nothing is trained, the same comes out.
        var before = (_files.Summary("out"), File.GetLastWriteTimeUtc(_files.At("out", "seed-8", "result.json")));
        var again = Tool.Run("repeat", _files.ConfigPath, "--seeds", "8,1", "--work-dir", _files.At("out")).Succeeds();
        Assert.Contains("2 of 2 runs are trained already", again.Error, StringComparison.Ordinal);
        Assert.Equal(before, (_files.Summary("out"), File.GetLastWriteTimeUtc(_files.At("out", "seed-8", "result.json"))));

        // Changed since: refused, with the place, and nothing is lost.
        _files.Write("linear.json", LinearShapes.Config.Replace("\"lr\": 0.05", "\"lr\": 0.04", StringComparison.Ordinal));
        Tool.Run("repeat", _files.ConfigPath, "--seeds", "8,1", "--work-dir", _files.At("out"))
            .IsMistake("linear.json:18  optimizer.lr", "It is 0.04 now;", "was begun with 0.05", "--overwrite");
        Assert.Equal(before.Item1, _files.Summary("out"));
        Tool.Run("sweep", _files.ConfigPath, "--work-dir", _files.At("out")).IsMistake(); // no grid
        Tool.Run("repeat", _files.ConfigPath, "--work-dir", _files.At("alone")).IsMistake("holds a run of tools/train");
    }

    [Fact]
    public void From_ARunsFolder_TrainsItAgainBitForBit()
    {
        Tool.Run("train", _files.ConfigPath, "--seed", "9", "--work-dir", _files.At("first")).Succeeds();
        var facts = _files.Json("first", "run.json");
        Assert.Equal(
            (9, 1, 48),
            (facts["seed"]!.GetValue<int>(), facts["threads"]!.GetValue<int>(), facts["train"]!["samples"]!.GetValue<int>())
        );
        Assert.StartsWith("tools/train ", facts["command"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("libtorch", facts["environment"]!.AsObject().Select(line => line.Key));

        File.Delete(_files.ConfigPath); // its folder alone
        var said = Tool.Run("repeat", "--from", _files.At("first"), "--work-dir", _files.At("second")).Succeeds();
        Assert.Contains("The same to the last bit", said.Output, StringComparison.Ordinal);
        Assert.Equal(Running.TrainingRun.Losses(_files.At("first")), Running.TrainingRun.Losses(_files.At("second")));

        // Where something differs it is told, and the exit code says so.
        var result = _files.Json("first", "result.json");
        result["metrics"]!["accuracy/top1"] = 0.123;
        _files.Write("first/result.json", result.ToJsonString());
        var differs = Tool.Run("repeat", "--from", _files.At("first"), "--work-dir", _files.At("third"));
        Assert.Equal(1, differs.Code);
        Assert.Contains("Not the same: 1 of", differs.Output, StringComparison.Ordinal);
        Assert.Contains("0.123", differs.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailedRun_IsNamedWithItsLogAndOthersGoOn()
    {
        // A folder where a file is to be: the second seed can't write its log.
        Directory.CreateDirectory(_files.At("out", "seed-5", "config.json"));
        var said = Tool.Run("repeat", _files.ConfigPath, "--seeds", "3", "--work-dir", _files.At("out"));
        Assert.Equal(1, said.Code);
        Assert.Contains("seed-5 failed with exit code", said.Error, StringComparison.Ordinal);
        Assert.Contains(Path.Combine("seed-5", "console.log"), said.Error, StringComparison.Ordinal);
        Assert.Contains("1 run is not trained to the end", said.Error, StringComparison.Ordinal);
        var summary = _files.Json("out", "summary.json");
        Assert.Equal(["seed-4", "seed-6"], summary["runs"]!.AsArray().Select(run => run!["folder"]!.GetValue<string>()));
        Assert.Equal(1, summary["missing_runs"]!.GetValue<int>());

        Directory.Delete(_files.At("out", "seed-5", "config.json"));
        Tool.Run("repeat", _files.ConfigPath, "--seeds", "3", "--work-dir", _files.At("out")).Succeeds();
        Assert.Equal(3, _files.Json("out", "summary.json")["runs"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("--seeds", "1,x", "whole numbers from 0")]
    [InlineData("--seeds", "1,2,1", "a seed stands there twice")]
    [InlineData("--seeds", "0", "a number from 1 to")]
    [InlineData("--jobs", "0", "--jobs is 0")]
    public void Numbers_OutOfBounds_AreMistakes(string option, string value, string part) =>
        Tool.Run("repeat", _files.ConfigPath, option, value, "--work-dir", _files.At("out")).IsMistake(part);

    [Fact]
    public void Folders_ThatAreNoRuns_AreMistakes()
    {
        Tool.Run("repeat").IsMistake("CONFIG is missing");
        Tool.Run("repeat", _files.ConfigPath, "--from", "x").IsMistake("leave CONFIG out");
        Tool.Run("repeat", "--from", _files.At("nowhere")).IsMistake("it has no config.json");
        Tool.Run("repeat", _files.ConfigPath, "--cfg-options", "val=null", "hooks.checkpoint.save_best=null").IsMistake("not evaluated");
    }

    private static bool Near(double expected, double actual) => Math.Abs(expected - actual) < 1e-9;
}
