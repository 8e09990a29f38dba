using System.CommandLine;
using Tessera.Framework.Checkpoints;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Generation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Has a trained model draw images, as a data set to train on.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var checkpoint = CheckpointArgument.Of("A checkpoint of tools/train, of a Gan or a Diffusion.");
        var arguments = new GenerationArguments();
        var device = CommandLine.Device();
        var weights = CommandLine.Weights();
        var plugins = CommandLine.Plugins();
        var overrides = CommandLine.CfgOptions();
        var command = new Command("generate", "Has a trained model draw images by class, as a folder to train on (never to measure with).")
        {
            checkpoint,
        };
        arguments.AddTo(command);
        foreach (var option in new Option[] { device, weights, plugins, overrides })
            command.Add(option);
        command.SetAction(parsed =>
            GenerationRun.Run(
                arguments.Read(
                    parsed,
                    parsed.GetRequiredValue(checkpoint),
                    new SessionOptions
                    {
                        Device = parsed.GetValue(device) ?? "auto",
                        Overrides = parsed.GetRequiredValue(overrides),
                        Averaged = parsed.GetRequiredValue(weights) == WeightChoice.Averaged,
                        Plugins = parsed.GetRequiredValue(plugins),
                        Note = ToolConsole.Current.Note,
                    }
                )
            )
        );
        return command;
    }
}
