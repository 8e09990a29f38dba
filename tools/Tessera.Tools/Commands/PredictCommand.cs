using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Results;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Predicts images with nothing but a checkpoint.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        var checkpoint = new Argument<string>("CHECKPOINT")
        {
            Description = "A checkpoint of tools/train. It carries config, transforms and class names.",
        };
        var input = new Argument<string>("IMAGE|FOLDER")
        {
            Description = "An image, or a folder whose images are predicted (folders in it too).",
        };
        var output = new Option<string?>("--out-dir")
        {
            Description =
                "Write predictions.jsonl there; segmentation maps into its folder maps, as PNGs of class indices. Pictures of maps, "
                + "boxes and the parts that a fine-grained model looked at go into its folder pictures.",
            HelpName = "DIR",
        };
        var score = new Option<double?>("--score-thr")
        {
            Description =
                "Detectors: only boxes that score more; in place of the config's model.test.score_thr, and of the 0.3 of pictures.",
            HelpName = "SCORE",
        };
        var device = CommandLine.Device();
        var precision = CommandLine.PrecisionOption();
        var weights = CommandLine.Weights();
        var plugins = CommandLine.Plugins();
        var command = new Command("predict", "Predicts images with nothing but a checkpoint.")
        {
            checkpoint,
            input,
            output,
            score,
            device,
            precision,
            weights,
            plugins,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(checkpoint),
                parsed.GetRequiredValue(input),
                parsed.GetValue(output),
                new PredictorOptions
                {
                    Device = parsed.GetValue(device) ?? "auto",
                    Precision = parsed.GetValue(precision),
                    Averaged = parsed.GetValue(weights) == WeightChoice.Averaged,
                    Plugins = parsed.GetRequiredValue(plugins),
                    Note = ToolConsole.Current.Note,
                    ScoreThr = parsed.GetValue(score),
                }
            )
        );
        return command;
    }

    private static int Run(string checkpoint, string input, string? output, PredictorOptions options)
    {
        var files = ImageFiles.Of(input);
        using var predictor = Predictor.Load(checkpoint, options);
        var unreadable = new List<(string Path, string Reason)>();
        var results = predictor.Predict(files, (path, reason) => unreadable.Add((path, reason)));
        var least = predictor.Thresholds.Count > 0 ? 0 : options.ScoreThr; // below the checkpoint's own there is nothing
        var pictures = output is not null
            ? new PredictionPictures(Path.Combine(output, "pictures"), files, predictor.Data, Original, least)
            : null;
        var maps =
            output is not null && predictor.Data.Task == DataTask.Segmentation
                ? new PredictionMaps(Path.Combine(output, "maps"), files, predictor.Data)
                : null;
        if (output is null)
            Write(null);
        else if (maps is not null)
        {
            Write(null);
            ToolConsole.Current.Note(output);
        }
        else
        {
            Directory.CreateDirectory(output);
            var path = Path.Combine(output, "predictions.jsonl");
            AtomicFile.Write(
                path,
                stream =>
                {
                    using var writer = new StreamWriter(stream, leaveOpen: true);
                    Write(new PredictionLines(writer, predictor.Data));
                    RequireSome(input, files.Length, unreadable);
                }
            );
            ToolConsole.Current.Note(path);
        }
        RequireSome(input, files.Length, unreadable);
        TellUnreadable(files.Length, unreadable);
        return 0;

        void Write(PredictionLines? lines)
        {
            var advance = new Advance("predicting");
            var done = 0;
            foreach (var (path, prediction) in results)
            {
                if (output is null || files.Length == 1)
                    ToolConsole.Current.Line(Describe(path, Result.Of(prediction, predictor.Data, predictor.Thresholds)));
                lines?.Write(path, prediction);
                maps?.Write(path, prediction);
                if (prediction is SegmentationPrediction or DetectionPrediction or ClassPrediction { Parts: not null })
                    pictures?.Write(new Sample { Index = 0, Name = path }, prediction);
                if (output is not null)
                    advance.Report(++done, files.Length);
            }
        }
    }

    private static void RequireSome(string input, int files, List<(string Path, string Reason)> unreadable)
    {
        if (unreadable.Count < files)
            return;
        var (path, reason) = unreadable[0];
        throw new UserErrorException(
            files == 1
                ? SkippedSample.Reason(path, reason)
                : $"{input}\n  None of its {files} images can be read. The first: {SkippedSample.Reason(path, reason)}"
        );
    }

    private static void TellUnreadable(int files, List<(string Path, string Reason)> unreadable)
    {
        foreach (var (path, reason) in unreadable)
            ToolConsole.Current.Note(SkippedSample.Line(path, reason));
        if (unreadable.Count > 0)
            ToolConsole.Current.Note($"{files - unreadable.Count} of {files} images are predicted; {unreadable.Count} can't be read.");
    }

    private static Sample Original(Sample sample) =>
        new()
        {
            Index = 0,
            Name = sample.Name,
            ReadFile = () => File.ReadAllBytes(sample.Name),
        };

    private static string Describe(string path, Result result) =>
        result switch
        {
            Classification classes => Line(path, classes.Ranked.Take(3).Select(entry => Text($"{entry.Name} {entry.Score:0.000}"))),
            Regression numbers => Line(path, numbers.Values.Select(entry => Text($"{entry.Name} {entry.Value:0.####}"))),
            Segmentation map => Line(path, map.Shares().Take(5).Select(entry => Text($"{entry.Name} {100 * entry.Share:0.0} %"))),
            Detections { Objects.Count: 0 } => $"{path}  nothing found",
            Detections { Objects: var found } => Line(path, found.Take(5).Select(Describe))
                + (found.Count > 5 ? Text($"  and {found.Count - 5} more") : ""),
            _ => path,
        };

    private static string Describe(Detection found) =>
        Text($"{found.ClassName} {found.Score:0.000} ({found.Box.X1:0.#}, {found.Box.Y1:0.#}, {found.Box.X2:0.#}, {found.Box.Y2:0.#})");

    private static string Line(string path, IEnumerable<string> entries) => $"{path}  {string.Join("  ", entries)}";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
