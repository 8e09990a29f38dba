using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Tessera.Tests.Tools.Experiments;

/// <summary>tools/cross-validate, whole and interrupted.</summary>
[Collection(InProcess.Name)]
public sealed class CrossValidateTests : IDisposable
{
    private static readonly string[] s_runs = ["fold-0_seed-4", "fold-1_seed-4", "fold-0_seed-5", "fold-1_seed-5"];

    private readonly LinearShapes _files = new();

    public void Dispose() => _files.Dispose();

    [LinuxFact]
    public void CrossValidate_KilledAtTwoPlacesAndResumed_GivesTheSameSummary()
    {
        Run("whole", "--jobs", "2").Succeeds();

        // A training is killed: it counts as failed, the others go on.
        using (var process = Start("killed"))
        {
            Assert.True(LinearShapes.Await(process, _files.At("killed"), 5));
            KillChildren(process);
            process.WaitForExit();
            Assert.Equal(1, process.ExitCode);
        }
        Assert.Equal(3, _files.Json("killed", "summary.json")["runs"]!.AsArray().Count);
        Assert.Equal(1, _files.Json("killed", "summary.json")["missing_runs"]!.GetValue<int>());

        // What was killed is resumed; then the tool is killed in another one.
        File.Delete(_files.At("killed", s_runs[3], "result.json"));
        Directory.Delete(_files.At("killed", s_runs[3]), recursive: true);
        using (var process = Start("killed"))
        {
            Assert.True(LinearShapes.Await(process, _files.At("killed", s_runs[3]), 5));
            process.Kill();
            process.WaitForExit();
        }
        Run("killed").Succeeds();
        Assert.Equal(_files.Summary("whole"), _files.Summary("killed"));
        foreach (var run in s_runs)
            Assert.Equal(Running.TrainingRun.Losses(_files.At("whole", run)), Running.TrainingRun.Losses(_files.At("killed", run)));
    }

    [Fact]
    public void CrossValidate_DividesTheTrainingData_AndReadsTheFoldAsValIsRead()
    {
        var said = Run("out").Succeeds();
        var summary = _files.Json("out", "summary.json");
        Assert.Equal("cross-validate", summary["kind"]!.GetValue<string>());
        var runs = summary["runs"]!.AsArray();
        Assert.Equal(s_runs, runs.Select(run => run!["folder"]!.GetValue<string>()));
        Assert.Equal([0, 1, 0, 1], runs.Select(run => run!["fold"]!.GetValue<int>()));
        Assert.All(runs, run => Assert.Equal((24, 24), (run!["train_samples"]!.GetValue<int>(), run["val_samples"]!.GetValue<int>())));
        Assert.Equal(4, summary["metrics"]!["accuracy/top1"]!["runs"]!.GetValue<int>());
        Assert.Contains("tools/compare-runs corrects for it", said.Output, StringComparison.Ordinal);

        var trained = _files.Json("out", s_runs[0], "config.json")["train"]!["dataset"]!;
        var evaluated = _files.Json("out", s_runs[0], "config.json")["val"]!["dataset"]!;
        Assert.True(JsonNode.DeepEquals(trained["dataset"], evaluated["dataset"]));
        Assert.Equal("48", evaluated["dataset"]!["count"]!.ToJsonString()); // of train, not of val
        Assert.Equal(["Normalize"], evaluated["pipeline"]!.AsArray().Select(step => step!["type"]!.GetValue<string>()));
        Assert.Equal("RandomFlip", trained["pipeline"]![0]!["type"]!.GetValue<string>());

        var (first, second) = (Indices(s_runs[0], "val"), Indices(s_runs[1], "val"));
        Assert.Equal(Enumerable.Range(0, 48), first.Concat(second).Order());
        Assert.Equal(second, Indices(s_runs[0], "train"));
        Assert.NotEqual(first, Indices(s_runs[2], "val")); // dealt anew

        // Each class's samples differ by one at most between the folds.
        var shapes = new Datasets.Synthetic.Shapes(new Datasets.Synthetic.ShapesOptions(Count: 48, Size: 16));
        var counts = Enumerable
            .Range(0, shapes.Info.Classes.Count)
            .Select(label => first.Count(i => shapes.LabelOf(i) == label) - second.Count(i => shapes.LabelOf(i) == label));
        Assert.All(counts, difference => Assert.InRange(difference, -1, 1));

        // Other folds, other data: refused.
        Run("out", "--folds", "3").IsMistake("one with --folds 2, not 3");
        Run("out", "--cfg-options", "train.dataset.count=40").IsMistake("was begun with");
        Run("out", "--overwrite", "--cfg-options", "train.dataset.count=40").Succeeds();
        Assert.Equal(20, _files.Json("out", "summary.json")["runs"]![0]!["val_samples"]!.GetValue<int>());
    }

    [Fact]
    public void Group_KeepsSamplesOfOneRuleInOneFold()
    {
        // The samples of one last digit are one group.
        var said = Run("out", "--group", "name=[0-9]$", "--repeats", "1", "--cfg-options", "train.epochs=1").Succeeds();
        Assert.Contains("10 groups of 48 samples", said.Output + said.Error, StringComparison.Ordinal);
        var folds = new[] { Indices(s_runs[0], "val"), Indices(s_runs[1], "val") };
        Assert.Equal(Enumerable.Range(0, 48), folds[0].Concat(folds[1]).Order());
        Assert.Empty(folds[0].Select(i => i % 10).Intersect(folds[1].Select(i => i % 10)));

        Run("out", "--repeats", "1", "--cfg-options", "train.epochs=1").IsMistake("--group name=[0-9]$, not with no --group");
        Run("other", "--group", "patients").IsMistake("--group patients: there is no such rule");
    }

    [Theory]
    [InlineData("48", "leaves one sample out at a time: that is 96 trainings", "--folds 5 or 10 (10 or 20 trainings)")]
    [InlineData("24", "divides 48 samples into 24 folds: that is 48 trainings", "--yes")]
    [InlineData("49", "a number from 2 to the 48 samples", "--folds is 49")]
    [InlineData("1", "a number from 2 to the 48 samples", "--folds is 1")]
    public void Folds_TooMany_AreToldOffWithTheirCost(string folds, params string[] parts)
    {
        Run("out", "--folds", folds).IsMistake(parts);
        Assert.False(Directory.Exists(_files.At("out")));
    }

    [UnixFact]
    public void Interrupt_LetsTheTrainingsSaveAndEnd()
    {
        using var process = Start("out");
        Assert.True(LinearShapes.Await(process, _files.At("out"), 3));
        using (var kill = Process.Start("kill", [IgnoresInterrupts() ? "-TERM" : "-INT", $"{process.Id}"]))
            kill.WaitForExit();
        process.WaitForExit();
        Assert.Equal(1, process.ExitCode);
        Assert.Contains("interrupted", File.ReadAllText(_files.At("out", s_runs[0], "console.log")), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_files.At("out", s_runs[1], "tensorboard"))); // none was begun after it
    }

    /// <summary>Whether this process was started in the background of a script, which lets it and all that it starts pass over
    /// SIGINT.</summary>
    private static bool IgnoresInterrupts()
    {
        const string status = "/proc/self/status";
        const int interrupt = 1 << 1; // signal 2
        return File.Exists(status)
            && File.ReadLines(status).FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is { } line
            && (Convert.ToInt64(line["SigIgn:".Length..].Trim(), 16) & interrupt) != 0;
    }

    private Said Run(string folder, params string[] more) =>
        Tool.Run([
            "cross-validate",
            _files.ConfigPath,
            "--work-dir",
            _files.At(folder),
            .. more.Contains("--repeats") ? (string[])[] : ["--repeats", "2"],
            .. more.Contains("--folds") ? (string[])[] : ["--folds", "2"],
            .. more,
        ]);

    private Process Start(string folder) =>
        _files.Start("cross-validate", _files.ConfigPath, "--folds", "2", "--repeats", "2", "--work-dir", _files.At(folder));

    private int[] Indices(string run, string part) =>
        [
            .. _files.Json("out", run, "config.json")[part]!["dataset"]!["indices"]!
                .GetValue<string>()
                .Split(',')
                .Select(range => range.Split('-'))
                .SelectMany(ends => Enumerable.Range(Number(ends[0]), Number(ends[^1]) - Number(ends[0]) + 1)),
        ];

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Kills the trainings that a tool has started, as by kill -9.</summary>
    private static void KillChildren(Process parent)
    {
        var children = Directory
            .EnumerateDirectories($"/proc/{parent.Id}/task")
            .SelectMany(thread => File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(Number)
            .ToArray();
        Assert.NotEmpty(children);
        foreach (var id in children)
        {
            using var child = Process.GetProcessById(id);
            child.Kill();
        }
    }
}
