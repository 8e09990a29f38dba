using System.CommandLine;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Tools.Generation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Has a trained model draw images, as a data set to train on.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var checkpoint = new Argument<string>("CHECKPOINT") { Description = "A checkpoint of tools/train, of a Gan or a Diffusion." };
        var output = new Option<string>("--out-dir")
        {
            Description = "The folder to write: DIR/CLASS/000001.png and DIR/synthetic.jsonl. It must be new or empty.",
            HelpName = "DIR",
            Required = true,
        };
        var classes = new Option<string[]>("--classes")
        {
            Description = "Whose images. Default: all classes.",
            HelpName = "CLASS",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var count = new Option<int>("--count")
        {
            Description = "Images of each class. Default: 100.",
            HelpName = "N",
            DefaultValueFactory = _ => 100,
        };
        var seed = new Option<long>("--seed")
        {
            Description = "Another seed, other images. Default: 0.",
            HelpName = "N",
            DefaultValueFactory = _ => 0,
        };
        var agreement = new Option<double?>("--min-agreement")
        {
            Description = "Leave out images whose class has a lower probability, from 0 to 1, by the judge or else by the model itself.",
            HelpName = "P",
        };
        var judge = new Option<string?>("--judge")
        {
            Description = "A checkpoint of a classifier of the same classes, which says how sure it is of each image.",
            HelpName = "CHECKPOINT",
        };
        var tries = new Option<int>("--max-tries")
        {
            Description = "With --min-agreement: images drawn at most for each that is wanted. Default: 20.",
            HelpName = "N",
            DefaultValueFactory = _ => 20,
        };
        var device = CommandLine.Device();
        var overrides = CommandLine.CfgOptions();
        var weights = CommandLine.Weights();
        var plugins = CommandLine.Plugins();
        var command = new Command("generate", "Has a trained model draw images by class, as a folder to train on (never to measure with).")
        {
            checkpoint,
            output,
            classes,
            count,
            seed,
            agreement,
            judge,
            tries,
            device,
            weights,
            plugins,
            overrides,
        };
        command.SetAction(parsed =>
        {
            var settings = new GenerationSettings
            {
                Checkpoint = parsed.GetRequiredValue(checkpoint),
                Output = parsed.GetRequiredValue(output),
                Classes = parsed.GetRequiredValue(classes),
                Count = Within(parsed.GetRequiredValue(count), 1, 1_000_000, "--count"),
                Seed = parsed.GetRequiredValue(seed),
                MinAgreement = parsed.GetValue(agreement),
                Judge = parsed.GetValue(judge),
                MaxTries = Within(parsed.GetRequiredValue(tries), 1, 10_000, "--max-tries"),
                Session = new SessionOptions
                {
                    Device = parsed.GetValue(device) ?? "auto",
                    Overrides = parsed.GetRequiredValue(overrides),
                    Averaged = parsed.GetRequiredValue(weights) == WeightChoice.Averaged,
                    Plugins = parsed.GetRequiredValue(plugins),
                    Note = ToolConsole.Current.Note,
                },
            };
            if (settings.MinAgreement is { } least && least is not (>= 0 and <= 1))
                throw new UserErrorException($"--min-agreement is {least}; a number from 0 to 1 was expected.");
            return GenerationRun.Run(settings);
        });
        return command;
    }

    private static int Within(int value, int least, int most, string option) =>
        value >= least && value <= most
            ? value
            : throw new UserErrorException($"{option} is {value}; a number from {least} to {most} was expected.");
}
