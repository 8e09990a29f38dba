using System.CommandLine;
using Tessera.Framework.Errors;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;
using Tessera.Tools.PseudoLabels;

namespace Tessera.Tools.Commands;

/// <summary>Makes label images for a segmentor, from a classifier.</summary>
internal static class PseudoLabelsCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var checkpoint = CheckpointArgument.Of("A checkpoint of the config's classifier.");
        var arguments = new PseudoLabelArguments();
        var device = CommandLine.Device();
        var overrides = CommandLine.CfgOptions();
        var weights = new WeightArguments();
        var command = new Command(
            "pseudo-labels",
            "Makes label images for a segmentor from a classifier and the labels of whole images, by its class maps."
        )
        {
            config,
            checkpoint,
        };
        arguments.AddTo(command);
        command.Add(device);
        command.Add(overrides);
        weights.AddTo(command);
        command.SetAction(parsed =>
        {
            var settings = arguments.Read(parsed);
            var path = parsed.GetRequiredValue(checkpoint);
            if (Directory.Exists(path))
                throw new UserErrorException($"{path}: this is a folder; a checkpoint in it was expected, such as best_*.safetensors.");
            if (!File.Exists(path))
                throw new UserErrorException($"{path}: there is no such file.");
            using var run = new PseudoLabelRun(
                parsed.GetRequiredValue(config),
                path,
                arguments.Folder(parsed),
                settings,
                new SessionOptions { Device = parsed.GetValue(device), Overrides = parsed.GetRequiredValue(overrides) },
                weights.Read(parsed)
            );
            return run.Run();
        });
        return command;
    }
}
