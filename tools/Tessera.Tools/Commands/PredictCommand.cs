using System.CommandLine;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Processes;
using Tessera.Tools.Conversion;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Predicts images with nothing but a checkpoint.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        var checkpoint = CheckpointArgument.Of("A checkpoint of tools/train. It carries config, transforms and class names.");
        var input = new Argument<string>("IMAGE|FOLDER")
        {
            Description = "An image, or a folder whose images are predicted (folders in it too).",
        };
        var output = CommandLine.OutDir(
            "Write predictions there, as --format says; segmentation maps into its folder maps, as PNGs of class indices. Pictures of "
                + "maps, boxes and the parts that a fine-grained model looked at go into its folder pictures."
        );
        var format = new Option<PredictionFormat>("--format")
        {
            Description =
                "What --out-dir gets: jsonl (predictions.jsonl), csv (predictions.csv); or annotations to correct and train on: coco "
                + "(annotations.json), yolo (labels, classes.txt), labelme (a JSON file for each image). Default: jsonl.",
            HelpName = "FORMAT",
            DefaultValueFactory = _ => PredictionFormat.Jsonl,
        };
        var score = new Option<double?>("--score-thr")
        {
            Description =
                "Detectors: only boxes that score more; in place of the config's model.test.score_thr, and of the 0.3 of pictures, coco, "
                + "yolo and labelme. Of several labels: those that score as much are predicted, in the console and jsonl.",
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
            format,
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
                parsed.GetValue(format),
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

    private static int Run(string checkpoint, string input, string? output, PredictionFormat format, PredictorOptions options)
    {
        if (output is null && format != PredictionFormat.Jsonl)
            throw new UserErrorException(
                $"--format {format.ToString().ToLowerInvariant()} says what --out-dir gets; --out-dir DIR says where."
            );
        var files = ImageFiles.Of(input);
        using var predictor = Predictor.Load(checkpoint, options);
        var run = new PredictRun(
            predictor,
            input,
            files,
            predictor.Thresholds.Count > 0 ? 0 : options.ScoreThr // below the checkpoint's own there is nothing
        );
        if (output is null)
            run.Print();
        else
            run.Write(output, format);
        run.TellUnreadable();
        return 0;
    }
}
