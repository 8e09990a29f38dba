using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;
using Tessera.Models.Detection;
using Tessera.Predictions;
using Tessera.Tools.Ensembles;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Fusion;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Joins the boxes of several detectors.</summary>
internal static class FuseResultsCommand
{
    public static Command Create()
    {
        var results = new Argument<string[]>("RESULTS")
        {
            Description = "Two or more: work dirs with stored predictions, files of their folder predictions, or COCO results (.json).",
            Arity = ArgumentArity.OneOrMore,
        };
        var config = CommandLine.Option<string?>(
            "--config",
            "CONFIG",
            "Data and metrics. Default: config.json of the first RESULTS that is a work dir."
        );
        var fusion = new FusionArguments();
        var folder = CommandLine.Option<string>(
            "--out-dir",
            "DIR",
            "fused",
            "Where the fused predictions go, as in a work dir, with fused.json. Default: fused."
        );
        var overrides = CommandLine.CfgOptions();
        var command = new Command("fuse-results", "Joins the boxes of several detectors into one set of results, and says what that gains.")
        {
            results,
            config,
        };
        fusion.AddTo(command);
        command.Add(folder);
        command.Add(overrides);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(results),
                parsed.GetValue(config),
                fusion.WeightText(parsed),
                fusion.Options(parsed),
                parsed.GetRequiredValue(folder),
                parsed.GetRequiredValue(overrides)
            )
        );
        return command;
    }

    private static int Run(
        string[] results,
        string? config,
        string? weightText,
        ResultFusionOptions options,
        string folder,
        string[] overrides
    )
    {
        FusionArguments.Require(results, options);
        var weights = FusionArguments.Weights(weightText, results.Length);
        config ??= results.Select(StoredPredictions.ConfigOf).FirstOrDefault(found => found is not null);
        if (config is null)
            throw new UserErrorException(
                $"{results[0]}: there is no {WorkFolder.ConfigName} in its work dir, which tells of data and metrics. "
                    + "--config CONFIG names one."
            );
        FileSet.RequireFolder(folder);
        if (results.Any(path => Path.GetFullPath(path).TrimEnd('/') == Path.GetFullPath(folder).TrimEnd('/')))
            throw new UserErrorException($"--out-dir is {folder}, which is one of RESULTS: its own predictions would be written over.");
        using var data = EvaluatedData.Open(config, new SessionOptions { Overrides = overrides }, results[0]);
        if (data.Dataset.Info.Task != DataTask.Detection)
            throw new UserErrorException(
                $"{config}: its data is for {TaskNames.Of(data.Dataset.Info.Task)}; boxes are fused."
                    + (data.Dataset.Info.Task == DataTask.Panoptic ? "" : " tools/ensemble joins other predictions.")
            );
        var fused = new FusedResults(weights, options);
        var members = results
            .Select((path, member) => data.OfStored(path, data.Metrics(), (sample, prediction) => fused.Add(member, sample, prediction)))
            .ToArray();
        if (fused.MissingMasks is { } member)
            ToolConsole.Current.Warning(
                $"{results[member - 1]} has boxes without masks, others have masks: boxes alone are fused, and the output has no masks."
            );
        var metrics = data.Metrics();
        var values = Measure(data, fused, metrics, folder, $"{options.Method} of {string.Join(", ", results)}");
        var report = new FusionReport(results, members, values);
        report.Show(metrics, data.Part);
        MetricFiles.Write(Path.Combine(folder, "fused.json"), report.Document(weights, options));
        ToolConsole.Current.Line($"{PredictionFolder.BoxesOf(PredictionFolder.FileOf(folder, data.Part))}");
        return 0;
    }

    private static IReadOnlyDictionary<string, double> Measure(
        EvaluatedData data,
        FusedResults fused,
        IReadOnlyDictionary<string, Metric> metrics,
        string folder,
        string what
    )
    {
        foreach (var metric in metrics.Values)
            metric.Reset(data.Dataset.Info);
        using var writer = PredictionFileWriter.Create(folder, new PredictionHeader(data.Part, data.Dataset.Info, what), data.DataRoot);
        for (var i = 0; i < data.Dataset.Count; i++)
        {
            if (fused.Of(data.Dataset.Get(i)) is not { } prediction)
                continue;
            var sample = data.Truth(i);
            foreach (var metric in metrics.Values)
                metric.Process([prediction], [sample]);
            writer.Write(sample, prediction);
        }
        var values = Framework.Running.Evaluator.Values(metrics);
        writer.Complete(values);
        return values;
    }
}
