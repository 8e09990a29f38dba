using System.CommandLine;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Metrics.Analysis;
using Tessera.Framework.Processes;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.ErrorAnalysis;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Chooses the score from which on a prediction is believed.</summary>
internal static class FindThresholdCommand
{
    private const string Ending = ".safetensors";
    private const int MostCurves = 12;

    public static Command Create()
    {
        var config = CommandLine.Config();
        var checkpoint = CheckpointArgument.Of("A checkpoint of tools/train.");
        var rule = CommandLine.Option<string>(
            "--rule",
            "RULE",
            "f1",
            "f1, the greatest harmonic mean of precision and recall; or precision:0.9, as much recall as that leaves. Default: " + "f1."
        );
        var iou = CommandLine.Option<double>(
            "--iou-thr",
            "IOU",
            0.5,
            "Detectors: the overlap from which on a box finds an object. Default: 0.5."
        );
        var part = CommandLine.Option<string>("--split", "PART", "val", "The data that decides: val or test. Default: val.");
        var output = CommandLine.Option<string?>(
            "--out-checkpoint",
            "FILE",
            "Writes the checkpoint once more, with the thresholds, by which tools/predict and Predictor then go."
        );
        var folder = CommandLine.OutDir("Where thresholds.json and thresholds.png go. Default: thresholds-NAME-OF-CONFIG.");
        var model = new EvaluationArguments();
        var command = new Command(
            "find-threshold",
            "Chooses, class by class, the score from which on a box, or one of several labels, is believed, and stores it in a checkpoint."
        )
        {
            config,
            checkpoint,
            rule,
            iou,
            part,
            output,
            folder,
        };
        model.AddTo(command);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(checkpoint),
                new Asked(
                    ThresholdRule.Parse(parsed.GetRequiredValue(rule)),
                    parsed.GetValue(iou),
                    DataParts.Named(parsed.GetRequiredValue(part)),
                    parsed.GetValue(output),
                    parsed.GetValue(folder)
                ),
                model.Session(parsed),
                model.Weights(parsed)
            )
        );
        return command;
    }

    private sealed record Asked(ThresholdRule Rule, double Iou, DataPart Part, string? Output, string? Folder);

    private static int Run(string config, string checkpoint, Asked asked, SessionOptions options, PretrainedOptions weights)
    {
        var folder = asked.Folder ?? $"thresholds-{Path.GetFileNameWithoutExtension(config)}";
        Require(checkpoint, asked, folder);
        using var data = EvaluatedData.Open(config, options, checkpoint, asked.Part);
        var search = new ScoreThresholds(data.Dataset.Info, asked.Iou);
        data.OfCheckpoint(checkpoint, weights, new Dictionary<string, Metric>(), search.Add);
        var found = search.Choose(asked.Rule);
        Show(found, asked.Rule);
        var files = new FileSet(folder);
        files.Add("thresholds.png", Picture(found, $"{Path.GetFileNameWithoutExtension(config)}, {data.Part}: {asked.Rule}"));
        files.Add("thresholds.json", Document(found, asked, data.Part));
        ToolConsole.Current.Line(string.Join(", ", files.Write()));
        if (asked.Output is { } output)
        {
            using var opened = Checkpoint.Open(checkpoint);
            var chosen = found.Where(entry => entry.Chosen is not null).ToDictionary(entry => entry.Name, entry => entry.Chosen!.Threshold);
            CheckpointCopy.Write(opened, output, opened.Info with { ScoreThresholds = chosen });
            ToolConsole.Current.Line($"{output}: {Counted.Of(chosen.Count, "threshold")}");
        }
        if (asked.Part == DataPart.Test)
            ToolConsole.Current.Warning("What is chosen on test can't be measured on test.");
        return 0;
    }

    private static void Require(string checkpoint, Asked asked, string folder)
    {
        if (StoredPredictions.Are(checkpoint))
            throw new UserErrorException($"{checkpoint}: a checkpoint was expected.");
        if (!File.Exists(checkpoint))
            throw new UserErrorException($"{checkpoint}: there is no such file.");
        if (asked.Iou is not (> 0 and <= 1))
            throw new UserErrorException($"--iou-thr is {asked.Iou}; a number above 0, at most 1, was expected.");
        if (asked.Part == DataPart.Train)
            throw new UserErrorException("--split is train; on what a model has learnt it is too sure. val or test was expected.");
        FileSet.RequireFolder(folder);
        if (asked.Output is not { } output)
            return;
        if (Path.GetExtension(output) != Ending)
            throw new UserErrorException($"--out-checkpoint is {output}; a name that ends in {Ending} was expected.");
        FileSet.RequireOther("--out-checkpoint", output, ("CHECKPOINT", checkpoint));
        if (!Checkpoint.IsCheckpoint(checkpoint))
            throw new UserErrorException(
                $"{checkpoint}\n  It is no checkpoint of Tessera's, so it can't carry thresholds. Leave out --out-checkpoint: "
                    + "thresholds.json has them."
            );
    }

    private static void Show(IReadOnlyList<ClassThreshold> found, ThresholdRule rule)
    {
        ToolConsole.Current.Table(
            ["class", "there", "threshold", "precision %", "recall %", "F1 %"],
            found.Select(entry =>
                entry.Chosen is { } chosen
                    ? (string[])
                        [
                            entry.Name,
                            Numbers.Count(entry.Objects),
                            FormattableString.Invariant($"{chosen.Threshold:0.0000}"),
                            Numbers.Percent(chosen.Precision),
                            Numbers.Percent(chosen.Recall),
                            Numbers.Percent(chosen.F1),
                        ]
                    : [entry.Name, Numbers.Count(entry.Objects), "none", "", "", ""]
            )
        );
        foreach (var entry in found.Where(entry => entry is { Chosen: not null, Reached: false }))
            ToolConsole.Current.Warning(
                $"{entry.Name}: {rule} is not reached at any threshold; the one with the greatest precision is taken."
            );
        foreach (var entry in found.Where(entry => entry.Chosen is null))
            ToolConsole.Current.Warning(
                $"{entry.Name}: {(entry.Objects == 0 ? "the data has none" : "nothing is found of it")}, so it has no threshold."
            );
    }

    private static ChartPage Picture(IReadOnlyList<ClassThreshold> found, string title)
    {
        ClassThreshold[] shown =
        [
            .. found.Where(entry => entry.Chosen is not null).OrderByDescending(entry => entry.Objects).Take(MostCurves),
        ];
        return new ChartPage
        {
            Title = shown.Length < found.Count ? $"{title} ({shown.Length} of {found.Count} classes)" : title,
            Charts =
            [
                new LineChart
                {
                    Title = "F1 over the threshold",
                    XLabel = "threshold",
                    YLabel = "F1",
                    FromZero = true,
                    Width = 640,
                    Curves =
                    [
                        .. shown.Select(entry => new Curve(
                            FormattableString.Invariant($"{entry.Name} {entry.Chosen!.Threshold:0.00}"),
                            [.. entry.Curve.Reverse().Select(point => (point.Threshold, point.F1))]
                        )),
                    ],
                },
                new LineChart
                {
                    Title = "Precision over recall",
                    XLabel = "recall",
                    YLabel = "precision",
                    FromZero = true,
                    Width = 640,
                    Curves =
                    [
                        .. shown.Select(entry => new Curve(entry.Name, [.. entry.Curve.Select(point => (point.Recall, point.Precision))])),
                    ],
                },
            ],
        };
    }

    private static JsonObject Document(IReadOnlyList<ClassThreshold> found, Asked asked, string part) =>
        new()
        {
            ["rule"] = asked.Rule.ToString(),
            ["part"] = part,
            ["classes"] = Numbers.List(
                found,
                entry => new JsonObject
                {
                    ["name"] = entry.Name,
                    ["there"] = entry.Objects,
                    ["threshold"] = entry.Chosen?.Threshold,
                    ["precision"] = entry.Chosen?.Precision,
                    ["recall"] = entry.Chosen?.Recall,
                    ["f1"] = entry.Chosen?.F1,
                    ["reached"] = entry.Reached,
                    ["curve"] = Numbers.List(
                        entry.Curve,
                        point => new JsonArray(point.Threshold, point.Precision, Numbers.Json(point.Recall))
                    ),
                }
            ),
        };
}
