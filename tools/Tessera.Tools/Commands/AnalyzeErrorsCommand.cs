using System.CommandLine;
using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Predictions;
using Tessera.Tools.ErrorAnalysis;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Sorts errors by kind, and says what each kind costs.</summary>
internal static class AnalyzeErrorsCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var results = new Argument<string>("RESULTS")
        {
            Description =
                "A work dir with stored predictions, or a file of its folder predictions; or what tools/test --predictions wrote.",
        };
        var folder = CommandLine.OutDir("Where errors.json and the pictures go. Default: errors-NAME-OF-CONFIG.");
        var similar = new Option<string[]>("--similar")
        {
            Description = "Detectors: classes that COCO's curve Sim forgives for each other, A,B,C; several groups in order.",
            HelpName = "CLASSES",
            DefaultValueFactory = _ => [],
        };
        var boundary = CommandLine.Option<double>(
            "--boundary",
            "PART",
            0.02,
            "Segmentation: the boundary's width on each side, as a part of the image's diagonal. Default: 0.02."
        );
        var fit = CommandLine.Option<string?>(
            "--temperature-from",
            "RESULTS",
            "Classes: stored predictions of val, which the temperature is fitted on. Default: those in the same work dir; where there "
                + "are none, five folds of RESULTS."
        );
        var overrides = CommandLine.CfgOptions();
        var command = new Command(
            "analyze-errors",
            "Sorts the errors of stored predictions by kind and says what each costs: boxes by TIDE and COCO's curves, maps by boundary "
                + "and interior, classes by confused pairs and calibration."
        )
        {
            config,
            results,
            folder,
            similar,
            boundary,
            fit,
            overrides,
        };
        command.SetAction(parsed =>
        {
            var given = new Given(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(results),
                parsed.GetRequiredValue(similar),
                parsed.GetValue(boundary),
                parsed.GetValue(fit)
            );
            return Run(given, parsed.GetValue(folder), parsed.GetRequiredValue(overrides));
        });
        return command;
    }

    private sealed record Given(string Config, string Results, string[] Similar, double Boundary, string? Fit);

    private static int Run(Given given, string? folder, string[] overrides)
    {
        if (given.Boundary is not (> 0 and <= 0.5))
            throw new UserErrorException($"--boundary is {given.Boundary}; a number above 0, at most 0.5, was expected.");
        folder ??= $"errors-{Path.GetFileNameWithoutExtension(given.Config)}";
        FileSet.RequireFolder(folder);
        using var data = EvaluatedData.Open(given.Config, new SessionOptions { Overrides = overrides }, given.Results);
        var report = ReportFor(given, data);
        data.OfStored(given.Results, new Dictionary<string, Metric>(), report.Add);
        var files = new FileSet(folder);
        var document = new JsonObject
        {
            ["task"] = data.Dataset.Info.Task.ToString(),
            ["part"] = data.Part,
            ["results"] = given.Results,
        };
        report.Finish($"Errors: {Path.GetFileNameWithoutExtension(given.Config)}, {data.Part}", files, document);
        files.Add("errors.json", document);
        ToolConsole.Current.Line();
        ToolConsole.Current.Line(string.Join(", ", files.Write()));
        return 0;
    }

    private static IErrorReport ReportFor(Given given, EvaluatedData data)
    {
        var info = data.Dataset.Info;
        if (info.Task != DataTask.Detection && given.Similar.Length > 0)
            throw new UserErrorException($"--similar is for detectors; the data is for {TaskNames.Of(info.Task)}.");
        if (info.Task is not (DataTask.Classification or DataTask.MultiLabel) && given.Fit is not null)
            throw new UserErrorException($"--temperature-from is for classifiers; the data is for {TaskNames.Of(info.Task)}.");
        switch (info.Task)
        {
            case DataTask.Detection:
                return new DetectionErrorReport(info, [.. given.Similar.Select(group => Group(group, info))]);
            case DataTask.Segmentation:
                return new SegmentationErrorReport(info, given.Boundary);
            case DataTask.Classification or DataTask.MultiLabel:
                var (fitted, from) = Fitted(given, data);
                return new ClassErrorReport(info, fitted, from);
            default:
                throw new UserErrorException(
                    $"{given.Config}: its data is for {TaskNames.Of(info.Task)}, whose errors have no kinds. "
                        + "tools/analyze-results shows the images that "
                        + "are predicted worst, eval-metric measures."
                );
        }
    }

    private static int[] Group(string text, DataInfo info) =>
        [
            .. text.Split(',', StringSplitOptions.TrimEntries)
                .Select(name =>
                    info.Classes.ToList().IndexOf(name) is var label and >= 0
                        ? label
                        : throw new UserErrorException(
                            $"--similar: the data has no class \"{name}\"{NearestName.Suggest(name, info.Classes)}"
                        )
                ),
        ];

    /// <summary>The predictions of val that a temperature may be fitted on: not those that it is then judged with.</summary>
    private static (ClassScores? Scores, string From) Fitted(Given given, EvaluatedData data)
    {
        var path = given.Fit;
        if (path is null && data.Part != "val" && Directory.Exists(given.Results))
            path = PredictionFolder.Find(given.Results, "val");
        if (path is null)
            return (null, "");
        var file = PredictionFile.Open(path, Directory.Exists(path) ? "val" : null);
        if (file.Header.Part == data.Part)
            throw new UserErrorException(
                $"{file.FullName}: these are predictions of {data.Part}, which the temperature is judged with; it is fitted on those of "
                    + "another part."
            );
        return (ClassScores.Of(file, data.Dataset.Info), file.FullName);
    }
}
