using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.Predictions;

namespace Tessera.Tests.Tools.ErrorAnalysis;

[Collection(InProcess.Name)]
public sealed class RobustnessToolTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    [Theory, MemberData(nameof(TaskRuns.Tasks), MemberType = typeof(TaskRuns))]
    public void EveryTask_IsEvaluatedUnderCorruption(DataTask task)
    {
        var output = runs.At($"rob-{task}");
        var said = Test(task, output, "--corruptions", "fog,gaussian_noise", "--severities", "1,5");
        var found = Read(output);
        Assert.Equal(5, found["values"]!.AsObject().Count);
        Assert.Equal(2, (int)found["summary"]!["benchmark_corruptions"]!);
        Assert.Contains("2 of 15", said.Output, StringComparison.Ordinal);
        var metrics = runs.At($"rob-{task}.json");
        Tool.Run("test", runs.ConfigOf(task), runs.Checkpoint(task), "--out", metrics, "--no-predictions").Succeeds();
        var name = (string)found["summary"]!["metric"]!;
        Assert.Equal((double?)JsonNode.Parse(File.ReadAllText(metrics))![name], (double?)found["values"]!["clean"]![name]);
        var values = new[] { "fog/1", "fog/5", "gaussian_noise/1", "gaussian_noise/5" }
            .Select(key => (double)found["values"]![key]![name]!)
            .ToArray();
        Assert.Equal(values.Average(), (double)found["summary"]!["mean_under_corruption"]!, 1e-12);
    }

    [Fact]
    public void StoppedRun_GoesOn_AndGivesTheSame()
    {
        var (whole, parts) = (runs.At("rob-whole"), runs.At("rob-parts"));
        Test(DataTask.Classification, whole, "--corruptions", "snow,impulse_noise", "--severities", "3");
        Test(DataTask.Classification, parts, "--corruptions", "impulse_noise", "--severities", "3");
        var before = Read(parts)["values"]!["impulse_noise/3"]!.ToJsonString();
        var said = Test(DataTask.Classification, parts, "--corruptions", "snow,impulse_noise", "--severities", "3");
        Assert.Contains("2 evaluations are done already", said.Error, StringComparison.Ordinal);
        Assert.Equal(before, Read(parts)["values"]!["impulse_noise/3"]!.ToJsonString());
        Assert.True(JsonNode.DeepEquals(Read(whole)["summary"], Read(parts)["summary"]));
        Assert.Equal(Read(whole)["values"]!["snow/3"]!.ToJsonString(), Read(parts)["values"]!["snow/3"]!.ToJsonString());

        // Another seed is something else; a damaged file is told, and overwritten on demand.
        string[] again = ["--corruptions", "snow", "--severities", "3"];
        Run(DataTask.Classification, parts, [.. again, "--seed", "5"]).IsMistake("another seed", "--overwrite");
        File.WriteAllText(Path.Combine(parts, "robustness.json"), "{ \"of\": ");
        Run(DataTask.Classification, parts, again).IsMistake("damaged", "--overwrite");
        Test(DataTask.Classification, parts, [.. again, "--overwrite"]);
    }

    [Fact]
    public void Mistakes_AreOneMessage()
    {
        var output = runs.At("rob-nothing");
        runs.Trained(DataTask.Classification);
        Run(DataTask.Classification, output, "--corruptions", "frog").IsMistake("\"frog\"", "Did you mean \"fog\"?");
        Run(DataTask.Classification, output, "--severities", "0").IsMistake("from 1 to 5");
        Run(DataTask.Classification, output, "--metric", "accuracy/top9").IsMistake("accuracy/top9", "accuracy/top1");
        Tool.Run("test-robustness", runs.ConfigOf(DataTask.Classification), runs.At("no.safetensors"), "--out-dir", output)
            .IsMistake("there is no such file");
        var empty = Directory.CreateDirectory(runs.At("rob-no-checkpoints")).FullName;
        Tool.Run("test-robustness", runs.ConfigOf(DataTask.Classification), empty, "--out-dir", output)
            .IsMistake(empty, "this is no checkpoint");
        Assert.False(Directory.Exists(output));
    }

    private Said Test(DataTask task, string output, params string[] more) => Run(task, output, more).Succeeds();

    private Said Run(DataTask task, string output, params string[] more) =>
        Tool.Run(["test-robustness", runs.ConfigOf(task), runs.Checkpoint(task), "--out-dir", output, .. more]);

    private static JsonNode Read(string output) => JsonNode.Parse(File.ReadAllText(Path.Combine(output, "robustness.json")))!;
}
