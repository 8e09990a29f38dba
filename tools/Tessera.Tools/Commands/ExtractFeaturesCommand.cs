using System.CommandLine;
using Tessera.Features;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;
using static TorchSharp.torch;

namespace Tessera.Tools.Commands;

/// <summary>Writes what a frozen network makes of each image, to train heads on.</summary>
internal static class ExtractFeaturesCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var checkpoint = CheckpointArgument.Of(
            "The network's weights: a checkpoint of tools/train, or published weights. Its head doesn't matter."
        );
        var output = new Argument<string>(CommandLine.Output) { Description = "The file of features, .safetensors." };
        var part = CommandLine.Option<string>("--split", "PART", "train", "Whose images: train, val or test. Default: train.");
        var type = CommandLine.Option<string>("--dtype", "TYPE", "fp32", "What is stored: fp32, or fp16 for half the size. Default: fp32.");
        var model = new EvaluationArguments();
        var command = new Command(
            "extract-features",
            "Sends every image through a frozen network once and writes what its last layer would read, for heads that train in seconds."
        )
        {
            config,
            checkpoint,
            output,
            part,
            type,
        };
        model.AddTo(command);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(checkpoint),
                parsed.GetRequiredValue(output),
                DataParts.Named(parsed.GetRequiredValue(part)),
                TypeOf(parsed.GetRequiredValue(type)),
                model.Session(parsed) with
                {
                    Weights = parsed.GetRequiredValue(checkpoint),
                    Note = ToolConsole.Current.Note,
                },
                model.Weights(parsed)
            )
        );
        return command;
    }

    private static ScalarType TypeOf(string name) =>
        name switch
        {
            "fp32" => ScalarType.Float32,
            "fp16" => ScalarType.Float16,
            _ => throw new UserErrorException($"--dtype is \"{name}\"; fp32 or fp16 was expected."),
        };

    private static int Run(
        string config,
        string checkpoint,
        string output,
        DataPart part,
        ScalarType type,
        SessionOptions options,
        PretrainedOptions weights
    )
    {
        FileSet.RequireOther("OUT", output, ("CHECKPOINT", checkpoint));
        using var session = Session.Open(config, options);
        using var log = ToolConsole.Current.ShowLog();
        if (Path.GetDirectoryName(Path.GetFullPath(output)) is { } folder)
            Directory.CreateDirectory(folder);
        var (count, width) = FeatureExtraction.Run(session, part, checkpoint, weights, type, output, new Advance("extracting").Report);
        ToolConsole.Current.Line($"{output}: {Counted.Of(count, "image")} of {SessionData.NameOf(part)}, {width} features each");
        if (part == DataPart.Train)
            ToolConsole.Current.Note("Augmentation is lost: each image is read once, by the evaluation's transforms.");
        return 0;
    }
}
