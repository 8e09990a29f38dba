using Tessera.Framework.Data;
using Tessera.Tests.Tools.Predictions;

namespace Tessera.Tests.Tools.Output;

/// <summary>One good run of the tools that <see cref="GoodRunTests"/> doesn't show: of experiments, comparisons, errors, transfer and ONNX
/// files. Numbers differ from machine to machine and are marked. Tools that need a model of their own are shown beside its other
/// tests: generate and score-images in GanRunTests, attention in AttentionToolTests, merge-adapter in PeftRunTests, pseudo-labels in
/// PseudoLabelTests, score-masks in ScoreMasksTests; board in BoardTests.</summary>
[Collection(InProcess.Name)]
public sealed class FurtherRunTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    /// <summary>Tools that have no run that ends, and the tests that look at what they say.</summary>
    /// <summary>CONFIG, RUN and CHECKPOINT stand for the trained model of the task; what begins with ./ lies in the folder of the
    /// runs.</summary>
    [Theory]
    [InlineData("compare-runs", DataTask.Classification, "compare-runs RUN RUN --repetitions 100", 4)]
    [InlineData("export", DataTask.Classification, "export CHECKPOINT ./tiny.onnx --size 64x64", 0)]
    [InlineData("find-threshold", DataTask.MultiLabel, "find-threshold CONFIG CHECKPOINT --out-dir ./thresholds", 0)]
    [InlineData("fuse-results", DataTask.Detection, "fuse-results RUN RUN --out-dir ./fused", 0)]
    [InlineData("split-dataset", DataTask.Classification, "split-dataset CONFIG --folds 2 --out-dir ./lists", 0)]
    [InlineData(
        "test-robustness",
        DataTask.Classification,
        "test-robustness CONFIG CHECKPOINT --corruptions gaussian_noise --severities 1 --out-dir ./robust",
        0
    )]
    [InlineData("cross-validate", DataTask.Classification, "cross-validate CONFIG --folds 2 --work-dir ./folds", 0)]
    [InlineData("repeat", DataTask.Classification, "repeat CONFIG --seeds 2 --work-dir ./seeds", 0)]
    public void Output_IsAsWritten(string name, DataTask task, string arguments, int code) => Matches(name, Run(task, arguments), code);

    [Fact]
    public void Features_ToAProbe()
    {
        foreach (var part in (string[])["train", "val"])
        {
            var said = Run(DataTask.Classification, $"extract-features CONFIG CHECKPOINT ./{part}.features --split {part}");
            if (part == "train")
                Matches("extract-features", said, 0);
        }
        Matches("knn", Run(DataTask.Classification, "knn ./train.features ./val.features --k 3"), 0);
        Matches("linear-probe", Run(DataTask.Classification, "linear-probe ./train.features ./val.features --lrs 0.01"), 0);
    }

    [Fact]
    public void Sweep()
    {
        var config = System.Text.Json.JsonSerializer.Serialize(runs.ConfigOf(DataTask.Classification));
        runs.Trained(DataTask.Classification);
        File.WriteAllText(
            runs.At("grid.json"),
            $$"""{ "_base_": {{config}}, "axes": { "rate": { "low": { "optimizer.lr": 0.001 }, "high": { "optimizer.lr": 0.01 } } }, "repeats": 1 }"""
        );
        Matches("sweep", Run(DataTask.Classification, "sweep ./grid.json --work-dir ./sweep"), 0);
    }

    /// <summary>A tool that is added is shown here, too.</summary>
    [Fact]
    public void Every_tool_is_shown()
    {
        var shown = Directory
            .EnumerateFiles(Path.Combine(Snippets.Repository, "tests", "Tools", "__snapshots__"), "*.snap")
            .Select(file => Path.GetFileNameWithoutExtension(file).Split(',')[0])
            .ToHashSet();
        Assert.Equal([], Tessera.Tools.Program.CreateRoot().Subcommands.Select(tool => tool.Name).Where(tool => !shown.Contains(tool)));
    }

    private Said Run(DataTask task, string arguments)
    {
        var checkpoint = runs.Checkpoint(task);
        return Tool.Run([
            .. arguments
                .Split(' ')
                .Select(word =>
                    word switch
                    {
                        "CONFIG" => runs.ConfigOf(task),
                        "RUN" => runs.Trained(task),
                        "CHECKPOINT" => checkpoint,
                        ['.', '/', .. var name] => runs.At(name),
                        _ => word,
                    }
                ),
        ]);
    }

    private void Matches(string name, Said said, int code) => WholeOutput.OfGoodRun(name, said, runs.Folder, code);
}
