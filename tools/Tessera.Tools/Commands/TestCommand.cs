using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Predictions;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Evaluates a checkpoint on a config's data.</summary>
internal static class TestCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var checkpoint = CheckpointArgument.Of("A checkpoint of tools/train, or published weights (.safetensors, .pth, .pt, .th).");
        var output = CommandLine.Option<string?>("--out", "metrics.json", "Write the metrics there: a flat JSON object of fractions.");
        var predictions = CommandLine.Option<string?>(
            "--predictions",
            "PATH",
            "Write every prediction there: one JSON line each; boxes as one JSON file in COCO's format of results; segmentation "
                + "maps as a folder of PNGs of class indices; panoptic maps as a JSON file with a folder of PNGs beside it."
        );
        var workDir = CommandLine.Option<string?>(
            "--work-dir",
            "DIR",
            "In whose folder predictions the predictions are stored, for eval-metric and compare-runs. Default: the checkpoint's "
                + "folder; of weights from elsewhere the config's work dir."
        );
        var stored = new Option<bool>("--no-predictions") { Description = "Store no predictions in the work dir." };
        var show = CommandLine.Option<string?>("--show-dir", "DIR", "Write pictures there: image, prediction and truth side by side.");
        var score = CommandLine.Option<double?>(
            "--score-thr",
            "SCORE",
            "Detectors: only boxes that score more; in place of the config's model.test.score_thr, and of the 0.3 of pictures."
        );
        var model = new EvaluationArguments();
        var command = new Command("test", "Evaluates a checkpoint on a config's data (test, or val where there is no test).")
        {
            config,
            checkpoint,
            output,
            predictions,
            workDir,
            stored,
            show,
            score,
        };
        model.AddTo(command);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(checkpoint),
                parsed.GetValue(output),
                new StoredPlaces(parsed.GetValue(predictions), parsed.GetValue(workDir), !parsed.GetValue(stored)),
                parsed.GetValue(show),
                parsed.GetValue(score),
                model.Session(parsed, ScoreThreshold(parsed.GetValue(score))),
                model.Weights(parsed)
            )
        );
        return command;
    }

    private static IEnumerable<string> ScoreThreshold(double? score) =>
        score is null ? [] : [string.Create(CultureInfo.InvariantCulture, $"model.test.score_thr={score}")];

    private static int Run(
        string config,
        string checkpoint,
        string? output,
        StoredPlaces places,
        string? show,
        double? score,
        SessionOptions options,
        PretrainedOptions weights
    )
    {
        if (output is not null && Path.GetExtension(output).ToLowerInvariant() is ".pkl" or ".pickle")
            throw new UserErrorException(
                $"--out {output}: --out writes the metrics, as JSON (--out metrics.json). Predictions are written by --predictions "
                    + $"PATH, pictures of them by --show-dir DIR; pickles are not written."
            );
        using var data = EvaluatedData.Open(config, options, checkpoint);
        var metrics = data.Metrics();
        if (metrics.Count == 0 && places is { Path: null, WorkDir: null } && show is null)
            throw new UserErrorException(
                $"{config}: {data.Part}.metrics is empty, so there is nothing to measure. For example: \"metrics\": {{ "
                    + $"{Example(data.Dataset.Info.Task)} }}."
            );
        var pictures = show is null ? null : new PredictionPictures(show, data.Dataset, score);
        using var recorder = places.Stored ? data.Recorder(checkpoint, places.WorkDir) : null;
        var values = WithPredictions(
            places.Path,
            data.Dataset,
            write =>
                data.OfCheckpoint(
                    checkpoint,
                    weights,
                    metrics,
                    (sample, prediction) =>
                    {
                        recorder?.Write(sample, prediction);
                        write?.Invoke(sample, prediction);
                        pictures?.Write(sample, prediction);
                    }
                )
        );
        if (recorder?.Complete(values) is { } file)
            ToolConsole.Current.Note($"Predictions are stored in {SourceLocation.Display(file)}.");
        MetricText.Report(values, metrics, output);
        return 0;
    }

    /// <param name="Path">Where they are written in addition; null: nowhere.</param>
    /// <param name="WorkDir">Where they are stored; null: where it belongs to.</param>
    /// <param name="Stored">Whether they are stored.</param>
    private sealed record StoredPlaces(string? Path, string? WorkDir, bool Stored);

    internal static string Example(DataTask task) =>
        task switch
        {
            DataTask.Segmentation => "\"iou\": { \"type\": \"MeanIoU\" }",
            DataTask.Detection => "\"coco\": { \"type\": \"CocoAp\" }",
            DataTask.Panoptic => "\"pq\": { \"type\": \"PanopticQuality\" }",
            DataTask.Regression => "\"errors\": { \"type\": \"RegressionErrors\" }",
            DataTask.MultiLabel => "\"map\": { \"type\": \"AveragePrecision\" }",
            _ => "\"accuracy\": { \"type\": \"Accuracy\" }",
        };

    private static IReadOnlyDictionary<string, double> WithPredictions(
        string? path,
        Dataset dataset,
        Func<Action<Sample, Prediction>?, IReadOnlyDictionary<string, double>> evaluate
    )
    {
        if (path is null)
            return evaluate(null);
        if (dataset.Info.Task == DataTask.Segmentation)
        {
            var maps = new PredictionMaps(path, dataset);
            return evaluate((sample, prediction) => maps.Write(sample.Name, prediction));
        }
        if (dataset.Info.Task == DataTask.Panoptic)
        {
            using var panoptic = new PanopticMaps(
                path,
                [.. Enumerable.Range(0, dataset.Count).Select(i => dataset.Get(i).Name)],
                dataset.Info
            );
            var measured = evaluate(panoptic.Write);
            panoptic.Complete();
            return measured;
        }
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
            Directory.CreateDirectory(folder);
        IReadOnlyDictionary<string, double>? values = null;
        AtomicFile.Write(
            path,
            stream =>
            {
                if (dataset.Info.Task == DataTask.Detection)
                {
                    using var results = new CocoResultWriter(stream, dataset.Info);
                    values = evaluate(results.Write);
                    results.Complete();
                    return;
                }
                using var writer = new StreamWriter(stream, leaveOpen: true);
                var lines = new PredictionLines(writer, dataset.Info);
                values = evaluate((sample, prediction) => lines.Write(sample.Name, prediction, sample));
            }
        );
        return values!;
    }
}
