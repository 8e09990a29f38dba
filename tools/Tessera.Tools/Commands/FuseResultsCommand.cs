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
        var method = CommandLine.Option<string>(
            "--method",
            "METHOD",
            "wbf",
            "wbf (boxes on one object become their mean), nms (the best stays), soft_nms (those it overlaps score less), nmw (the "
                + "best's score, a mean box). Default: wbf."
        );
        var iou = CommandLine.Option<double>("--iou", "IOU", 0.55, "Boxes that overlap more than this are of one object. Default: 0.55.");
        var least = CommandLine.Option<double>("--least-score", "SCORE", 0.001, "Boxes that score less are left out. Default: 0.001.");
        var weights = CommandLine.Option<string?>(
            "--model-weights",
            "NUMBERS",
            "How much each of RESULTS counts: 2,1. Default: all alike."
        );
        var score = CommandLine.Option<string>(
            "--score",
            "RULE",
            "average",
            "wbf: average, largest, box_and_model_average or absent_model_aware_average. Default: average, less where few models have "
                + "the box."
        );
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
            method,
            iou,
            least,
            weights,
            score,
            folder,
            overrides,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(results),
                parsed.GetValue(config),
                parsed.GetValue(weights),
                new ResultFusionOptions(
                    Named<FusionMethod>("--method", parsed.GetRequiredValue(method)),
                    parsed.GetValue(iou),
                    parsed.GetValue(least),
                    Named<FusedScore>("--score", parsed.GetRequiredValue(score))
                ),
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
        Require(results, options);
        var weights = Weights(weightText, results.Length);
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
                $"{config}: its data is for {data.Dataset.Info.Task}; boxes are fused. tools/ensemble joins other predictions."
            );
        var fused = new FusedResults(weights, options);
        var members = results
            .Select((path, member) => data.OfStored(path, data.Metrics(), (sample, prediction) => fused.Add(member, sample, prediction)))
            .ToArray();
        var metrics = data.Metrics();
        var values = Measure(data, fused, metrics, folder, $"{options.Method} of {string.Join(", ", results)}");
        var report = new FusionReport(results, members, values);
        report.Show(metrics, data.Part);
        MetricFiles.Write(Path.Combine(folder, "fused.json"), report.Document(weights, options));
        ToolConsole.Current.Line($"{PredictionFolder.BoxesOf(PredictionFolder.FileOf(folder, data.Part))}");
        return 0;
    }

    /// <summary>A value of several words, as configs write it.</summary>
    private static T Named<T>(string option, string word)
        where T : struct, Enum
    {
        var known = Enum.GetValues<T>().ToDictionary(value => Framework.Components.ConfigKey.NameOf(value.ToString()));
        return known.TryGetValue(word, out var found)
            ? found
            : throw new UserErrorException(
                $"{option} is \"{word}\".{NearestName.Suggest(word, known.Keys)} There are {string.Join(", ", known.Keys)}."
            );
    }

    private static void Require(string[] results, ResultFusionOptions options)
    {
        if (results.Length < 2)
            throw new UserErrorException($"{results.Length} results are given; two or more were expected.");
        if (options.Iou is not (>= 0 and <= 1))
            throw new UserErrorException($"--iou is {options.Iou}; a number from 0 to 1 was expected.");
        if (options.LeastScore is not (>= 0 and <= 1))
            throw new UserErrorException($"--least-score is {options.LeastScore}; a number from 0 to 1 was expected.");
        if (options is { Method: not FusionMethod.Wbf, Score: not FusedScore.Average })
            throw new UserErrorException("--score is for --method wbf; the other methods keep scores, or lower them.");
    }

    private static double[] Weights(string? text, int count)
    {
        if (text is null)
            return [.. Enumerable.Repeat(1.0, count)];
        var parts = text.Split(',');
        double[] weights =
        [
            .. parts.Select(part =>
                double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight)
                && weight >= 0
                && double.IsFinite(weight)
                    ? weight
                    : double.NaN
            ),
        ];
        return weights.Length == count && weights.All(double.IsFinite) && weights.Any(weight => weight > 0)
            ? weights
            : throw new UserErrorException(
                $"--model-weights is \"{text}\"; {count} numbers with commas between them were expected, none negative and not all 0."
            );
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
            var sample = data.Truth(i);
            if (fused.Of(sample) is not { } prediction)
                continue;
            foreach (var metric in metrics.Values)
                metric.Process([prediction], [sample]);
            writer.Write(sample, prediction);
        }
        var values = Framework.Running.Evaluator.Values(metrics);
        writer.Complete(values);
        return values;
    }
}
