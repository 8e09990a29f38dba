using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Predictions;
using Tessera.Tests.Tools.Predictions;

namespace Tessera.Tests.Tools.Comparison;

/// <summary>tools/compare-runs, end to end.</summary>
[Collection(InProcess.Name)]
public sealed class CompareRunsTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    private const int Better = 0,
        NotShown = 4,
        Worse = 5;

    public static TheoryData<DataTask> Tasks => TaskRuns.Tasks;

    [Theory]
    [MemberData(nameof(Tasks))]
    public void ExitCode_SaysBetterNotShownOrWorse(DataTask task)
    {
        var (trained, perfect, metric) = (runs.Trained(task), runs.Perfect(task), TaskRuns.MetricOf(task));
        Said Compare(params string[] more) => Tool.Run(["compare-runs", .. more, "--metric", metric, "--repetitions", "200"]);

        var better = Compare(trained, perfect, "--out", runs.At("better.json"));
        Assert.True(better.Code == Better, better.All);
        Assert.Contains($"{perfect} is better than {trained}.", better.Output, StringComparison.Ordinal);
        var found = JsonNode.Parse(File.ReadAllText(runs.At("better.json")))!["results"]![0]!;
        Assert.Equal(PredictionFile.Open(trained).Metrics[metric], (double)found["first_value"]!, 12);
        Assert.Equal(task == DataTask.Regression ? 0.0 : 1.0, (double)found["second_value"]!, 6);
        Assert.Equal(("better", metric), ((string)found["answer"]!, (string)found["metric"]!));

        var worse = Compare(perfect, trained, "--config", runs.ConfigOf(task));
        Assert.True(worse.Code == Worse, worse.All);
        var same = Compare(trained, trained);
        Assert.True(same.Code == NotShown, same.All);
        Assert.Contains("Not shown", same.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Accuracy_IsJudgedByMcNemar_AndMinGainByTheInterval()
    {
        var (trained, perfect) = (runs.Trained(DataTask.Classification), runs.Perfect(DataTask.Classification));
        var said = Tool.Run("compare-runs", trained, perfect, "--out", runs.At("mcnemar.json"));
        var found = JsonNode.Parse(File.ReadAllText(runs.At("mcnemar.json")))!["results"]![0]!;
        var wrong = 24 - (int)Math.Round(24 * (double)found["first_value"]!);
        Assert.Equal((0, wrong), ((int)found["only_first_right"]!, (int)found["only_second_right"]!));
        Assert.Equal(Math.Min(1, 2 * Math.Pow(0.5, wrong)), (double)found["p"]!, 9);
        Assert.Contains("exact McNemar test", said.Output, StringComparison.Ordinal);

        Assert.Equal(NotShown, Tool.Run("compare-runs", trained, perfect, "--min-gain", "0.99").Code);
        Assert.Equal(NotShown, Tool.Run("compare-runs", trained, trained, "--min-gain", "0").Code);
        var near = Tool.Run("compare-runs", trained, trained, "--min-gain", "-0.01");
        Assert.True(near.Code == Better, near.All);
        Assert.Contains("is not worse than", near.Output, StringComparison.Ordinal);
    }

    /// <summary>The command that the error names is that which makes both comparable: B's weights on A's data.</summary>
    [Fact]
    public void OtherData_NamesTheCommandThatHelps()
    {
        var a = runs.Trained(DataTask.Classification);
        var b = runs.At("other-data");
        Tool.Run("train", runs.ConfigOf(DataTask.Classification), "--work-dir", b, "--cfg-options", "val.dataset.count=20").Succeeds();
        var said = Tool.Run("compare-runs", a, b);
        said.IsMistake($"tools/test {Path.Combine(a, "config.json")} {Path.Combine(b, "iter_4.safetensors")} --work-dir {b}");
        Tool.Run("test", Path.Combine(a, "config.json"), Path.Combine(b, "iter_4.safetensors"), "--work-dir", b).Succeeds();
        Assert.Equal(NotShown, Tool.Run("compare-runs", a, b).Code);
    }

    [Fact]
    public void Several_AreComparedWithTheFirst_ByHolm()
    {
        var (trained, perfect) = (runs.Trained(DataTask.Classification), runs.Perfect(DataTask.Classification));
        var said = Tool.Run("compare-runs", trained, perfect, trained, "--out", runs.At("several.json"));
        Assert.True(said.Code == NotShown, said.All);
        Assert.Contains("2 comparisons", said.Output, StringComparison.Ordinal);
        var results = JsonNode.Parse(File.ReadAllText(runs.At("several.json")))!["results"]!.AsArray();
        var single = Tool.Run("compare-runs", trained, perfect, "--out", runs.At("single.json"));
        Assert.Equal(Better, single.Code);
        var p = (double)JsonNode.Parse(File.ReadAllText(runs.At("single.json")))!["results"]![0]!["p"]!;
        Assert.Equal(Math.Min(1, 2 * p), (double)results[0]!["p"]!, 9);
        Assert.Equal(1, (double)results[1]!["p"]!);
    }

    [Fact]
    public void OtherData_IsRefused()
    {
        var trained = runs.Trained(DataTask.Classification);
        Tool.Run("compare-runs", trained, runs.Perfect(DataTask.Classification, 20))
            .IsMistake("lacks 4 of the 24 images", "only on the same data", "tools/test");
        Tool.Run("compare-runs", trained, runs.Perfect(DataTask.MultiLabel)).IsMistake("is for classification data", "for multi_label");

        var changed = runs.Perfect(DataTask.Classification, 24);
        var other = runs.At("changed");
        Directory.CreateDirectory(PredictionFolder.Of(other));
        var lines = File.ReadAllLines(PredictionFolder.FileOf(changed, "val"));
        lines[3] = lines[3].Replace(lines[3].Split("\"truth_hash\":\"")[1][..16], "0123456789abcdef", StringComparison.Ordinal);
        File.WriteAllLines(PredictionFolder.FileOf(other, "val"), lines);
        Tool.Run("compare-runs", trained, other).IsMistake("another truth for 1 of 24 images");

        lines = File.ReadAllLines(PredictionFolder.FileOf(changed, "val"));
        lines[0] = lines[0].Replace("\"star\"", "\"comet\"", StringComparison.Ordinal);
        File.WriteAllLines(
            PredictionFolder.FileOf(other, "val"),
            [.. lines.Select(line => line.Replace("\"truth\":\"star\"", "\"truth\":\"comet\"", StringComparison.Ordinal))]
        );
        Tool.Run("compare-runs", trained, other).IsMistake("comet");
    }

    [Fact]
    public void WorkDirWithoutPredictions_NamesTheCommandThatMakesThem()
    {
        var trained = runs.Trained(DataTask.Classification);
        var earlier = runs.At("earlier");
        Tool.Run("train", runs.ConfigOf(DataTask.Classification), "--work-dir", earlier, "--cfg-options", "hooks.predictions=null")
            .Succeeds();

        var said = Tool.Run("compare-runs", trained, earlier).IsMistake("no stored predictions", "tools/test", "--work-dir " + earlier);
        var command = said
            .Error.Split('\n')
            .Select(line => line.Trim())
            .Single(line => line.StartsWith("tools/test ", StringComparison.Ordinal));
        Tool.Run(command.Split(' ') is [_, .. var arguments] ? ["test", .. arguments] : []).Succeeds();

        Assert.Equal(NotShown, Tool.Run("compare-runs", trained, earlier).Code); // the same seed, so the same weights
    }

    [Fact]
    public void WrongPaths_AndNames_AreMistakes()
    {
        var trained = runs.Trained(DataTask.Classification);
        Tool.Run("compare-runs", trained, runs.At("nowhere")).IsMistake("there is no such file or folder");
        Tool.Run("compare-runs", trained).IsMistake("two or more");
        Tool.Run("compare-runs", trained, trained, "--metric", "acuracy/top1").IsMistake("Did you mean \"accuracy/top1\"?");
        Tool.Run("compare-runs", trained, trained, "--part", "vall").IsMistake("Did you mean \"val\"?");
        Tool.Run("compare-runs", trained, trained, "--part", "test").IsMistake("no stored predictions of test");
        Tool.Run("compare-runs", runs.Perfect(DataTask.Classification), trained).IsMistake("no config.json", "--config");
        Tool.Run("compare-runs", trained, trained, "--repetitions", "5").IsMistake("at least 100");
    }

    [Theory]
    [InlineData("repeat", 0.0172564, "paired t test", Better)]
    [InlineData("cross-validate", 0.0592371, "Nadeau and Bengio", NotShown)]
    public void Summaries_AreComparedRunByRun(string kind, double p, string test, int code)
    {
        var a = Summary($"{kind}-a", kind, [0.812, 0.807, 0.815, 0.809, 0.811]);
        var b = Summary($"{kind}-b", kind, [0.818, 0.810, 0.816, 0.815, 0.814]);

        var said = Tool.Run("compare-runs", a, b, "--out", runs.At("summaries.json"));

        Assert.True(said.Code == code, said.All);
        Assert.Contains(test, said.Output, StringComparison.Ordinal);
        var found = JsonNode.Parse(File.ReadAllText(runs.At("summaries.json")))!["results"]![0]!;
        Assert.Equal(p, (double)found["p"]!, 7);
        Assert.Equal(0.0625, (double)found["wilcoxon_p"]!, 12);
        Assert.Equal(0.0038, (double)found["difference"]!, 9);
        Assert.Equal(kind == "repeat" ? Worse : NotShown, Tool.Run("compare-runs", b, a).Code);
        // of a loss, less is better
        Assert.Equal(kind == "repeat" ? Worse : NotShown, Tool.Run("compare-runs", a, b, "--metric", "mae").Code);
    }

    [Fact]
    public void Summaries_ThatDontFit_AreRefused()
    {
        var a = Summary("fit-a", "repeat", [0.8, 0.81, 0.82]);
        Tool.Run("compare-runs", a, Summary("fit-b", "repeat", [0.8, 0.81])).IsMistake("lacks 1 of the runs", "seed 2", "tools/repeat");
        Tool.Run("compare-runs", a, Summary("fit-c", "cross-validate", [0.8, 0.81, 0.82])).IsMistake("seeds", "folds");
        Tool.Run("compare-runs", a, Summary("fit-d", "repeat", [0.8, 0.81, 0.82], val: 21)).IsMistake("other data");
        Tool.Run("compare-runs", a, runs.Perfect(DataTask.Classification)).IsMistake("holds several runs");
        Tool.Run("compare-runs", a, a, "--metric", "mea").IsMistake("Did you mean \"mae\"?");
        File.WriteAllText(runs.At("fit-b", "summary.json"), "{ \"kind\": \"repeat\" }");
        Tool.Run("compare-runs", a, runs.At("fit-b")).IsMistake("no summary of runs");

        var few = Summary("few-a", "repeat", [0.1, 0.11]);
        var said = Tool.Run("compare-runs", few, Summary("few-b", "repeat", [0.8, 0.81]));
        Assert.True(said.Code == NotShown, said.All);
        Assert.Contains("too few runs", said.Output, StringComparison.Ordinal);
    }

    private string Summary(string name, string kind, double[] values, int val = 20)
    {
        var folder = Directory.CreateDirectory(runs.At(name)).FullName;
        var folds = kind == "cross-validate";
        var summary = new JsonObject
        {
            ["kind"] = kind,
            ["config"] = "c.json",
            ["metrics"] = new JsonObject
            {
                ["accuracy/top1"] = new JsonObject { ["better"] = "greater" },
                ["mae"] = new JsonObject { ["better"] = "less" },
            },
            ["runs"] = new JsonArray([
                .. values.Select(
                    (value, i) =>
                        (JsonNode?)
                            new JsonObject
                            {
                                ["folder"] = folds ? $"fold-{i}_seed-0" : $"seed-{i}",
                                ["fold"] = folds ? i : null,
                                ["seed"] = folds ? 0 : i,
                                ["train_samples"] = 80,
                                ["val_samples"] = val,
                                ["metrics"] = new JsonObject { ["accuracy/top1"] = value, ["mae"] = value },
                            }
                ),
            ]),
        };
        File.WriteAllText(Path.Combine(folder, "summary.json"), summary.ToJsonString());
        return folder;
    }
}
