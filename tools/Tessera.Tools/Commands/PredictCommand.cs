using System.CommandLine;
using System.Globalization;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
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
                "Write predictions.jsonl there; segmentation maps into its folder maps, as PNGs of class indices. Pictures of maps and "
                + "boxes go into its folder pictures.",
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
        var files = Files(input);
        using var predictor = Predictor.Load(checkpoint, options);
        var unreadable = new List<(string Path, string Reason)>();
        var results = predictor.Predict(files, (path, reason) => unreadable.Add((path, reason)));
        var pictures =
            output is not null && predictor.Data.Task is DataTask.Segmentation or DataTask.Detection
                ? new PredictionPictures(Path.Combine(output!, "pictures"), files, predictor.Data, Original, options.ScoreThr)
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
                    RequireSome();
                }
            );
            ToolConsole.Current.Note(path);
        }
        RequireSome();
        foreach (var (path, reason) in unreadable)
            ToolConsole.Current.Note(SkippedSample.Line(path, reason));
        if (unreadable.Count > 0)
            ToolConsole.Current.Note(
                $"{files.Length - unreadable.Count} of {files.Length} images are predicted; {unreadable.Count} can't be read."
            );
        return 0;

        void RequireSome()
        {
            if (unreadable.Count < files.Length)
                return;
            var (path, reason) = unreadable[0];
            throw new UserErrorException(
                files.Length == 1
                    ? SkippedSample.Reason(path, reason)
                    : $"{input}\n  None of its {files.Length} images can be read. The first: {SkippedSample.Reason(path, reason)}"
            );
        }

        void Write(PredictionLines? lines)
        {
            var advance = new Advance("predicting");
            var done = 0;
            foreach (var (path, prediction) in results)
            {
                if (output is null || files.Length == 1)
                    ToolConsole.Current.Line(Describe(path, prediction, predictor.Data.Classes));
                lines?.Write(path, prediction);
                maps?.Write(path, prediction);
                pictures?.Write(new Sample { Index = 0, Name = path }, prediction);
                if (output is not null)
                    advance.Report(++done, files.Length);
            }
        }
    }

    private static Sample Original(Sample sample) =>
        new()
        {
            Index = 0,
            Name = sample.Name,
            ReadFile = () => File.ReadAllBytes(sample.Name),
        };

    private static string[] Files(string input)
    {
        if (File.Exists(input))
            return [input];
        if (!Directory.Exists(input))
            throw new UserErrorException($"{input}: there is no such file or folder.");
        // Images that can't be read are among them, so that each is told with its format.
        var store = FileStore.Open(input);
        var files = store
            .Names.Where(name => ImageCodec.HasExtension(name) || ImageCodec.UnreadableFormat(name) is not null)
            .Select(store.Describe)
            .ToArray();
        return files.Length > 0
            ? files
            : throw new UserErrorException($"{input}: the folder has no images ({string.Join(", ", ImageCodec.Extensions)}).");
    }

    private static string Describe(string path, Prediction prediction, IReadOnlyList<string> names) =>
        prediction switch
        {
            ClassPrediction classes => $"{path}  "
                + string.Join(
                    "  ",
                    classes
                        .Scores.Select((score, c) => (score, c))
                        .OrderByDescending(entry => entry.score)
                        .Take(3)
                        .Select(entry => string.Create(CultureInfo.InvariantCulture, $"{names[entry.c]} {entry.score:0.000}"))
                ),
            RegressionPrediction values => $"{path}  "
                + string.Join(
                    "  ",
                    values.Values.Select((value, t) => string.Create(CultureInfo.InvariantCulture, $"{names[t]} {value:0.####}"))
                ),
            SegmentationPrediction { Map: var map } => $"{path}  "
                + string.Join(
                    "  ",
                    Shares(map)
                        .OrderByDescending(entry => entry.Share)
                        .Take(5)
                        .Select(entry => string.Create(CultureInfo.InvariantCulture, $"{names[entry.Class]} {100 * entry.Share:0.0} %"))
                ),
            DetectionPrediction { Labels.Length: 0 } => $"{path}  nothing found",
            DetectionPrediction found => $"{path}  "
                + string.Join(
                    "  ",
                    Enumerable
                        .Range(0, Math.Min(5, found.Labels.Length))
                        .Select(i =>
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"{names[found.Labels[i]]} {found.Scores[i]:0.000} "
                                    + $"({string.Join(", ", found.Corners.Skip(4 * i).Take(4).Select(corner => corner.ToString("0.#", CultureInfo.InvariantCulture)))})"
                            )
                        )
                )
                + (found.Labels.Length > 5 ? string.Create(CultureInfo.InvariantCulture, $"  and {found.Labels.Length - 5} more") : ""),
            _ => path,
        };

    /// <summary>The part of the pixels that each class of a map has.</summary>
    private static IEnumerable<(int Class, double Share)> Shares(Image map)
    {
        var counts = new long[ushort.MaxValue + 1];
        if (map.Type == PixelType.UInt8)
            foreach (var value in map.Pixels<byte>())
                counts[value]++;
        else
            foreach (var value in map.Pixels<ushort>())
                counts[value]++;
        return counts.Select((count, c) => (c, (double)count / ((long)map.Height * map.Width))).Where(entry => entry.Item2 > 0);
    }
}
