using System.CommandLine;
using Tessera.Features;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;
using Tessera.Tools.PseudoLabels;
using Tessera.Tools.Transfer;

namespace Tessera.Tools.Commands;

/// <summary>Trains linear heads on features, one for each of many learning rates, and keeps the best.</summary>
internal static class LinearProbeCommand
{
    public static Command Create()
    {
        var train = new Argument<string>("TRAIN") { Description = "Features to train on, of tools/extract-features." };
        var val = new Argument<string>("VAL") { Description = "Features by which the best head is chosen." };
        var test = new Option<string?>("--test")
        {
            Description = "Features that had no part in the choice: the chosen head is measured on them, too.",
            HelpName = "FEATURES",
        };
        var rates = new Option<string?>("--lrs")
        {
            Description = "Learning rates, with commas between them. Default: 13 from 1e-5 to 0.1.",
            HelpName = "RATES",
        };
        var epochs = Whole("--epochs", "Passes over the features. Default: 10.", 10);
        var batch = Whole("--batch-size", "Samples a step; rates are multiplied by it over 256. Default: 128.", 128);
        var seed = Whole("--seed", "Of the first weights and the order. Default: 0.", 0);
        var checkpoint = new Option<string?>("--checkpoint")
        {
            Description = "With --save: the weights that the features were made with.",
            HelpName = "PATH",
        };
        var save = new Option<string?>("--save")
        {
            Description = "Write network and chosen head there as one checkpoint, for tools/test and tools/predict.",
            HelpName = "PATH",
        };
        var output = new Option<string?>("--out") { Description = "Write what was measured there, as JSON.", HelpName = "metrics.json" };
        var device = CommandLine.Device();
        var plugins = CommandLine.Plugins();
        var weights = new WeightArguments();
        var command = new Command("linear-probe", "Trains linear heads on features with many learning rates at once, and keeps the best.")
        {
            train,
            val,
            test,
            rates,
            epochs,
            batch,
            seed,
            checkpoint,
            save,
            output,
            device,
            plugins,
        };
        weights.AddTo(command);
        command.SetAction(parsed =>
            ProbeRun.Run(
                new ProbeRequest(
                    parsed.GetRequiredValue(train),
                    parsed.GetRequiredValue(val),
                    parsed.GetValue(test),
                    new LinearProbeOptions(
                        parsed.GetValue(rates) is { } list ? NumberList.Parse("--lrs", list, 1e-9, 1e3) : null,
                        AtLeast("--epochs", parsed.GetValue(epochs), 1),
                        AtLeast("--batch-size", parsed.GetValue(batch), 1),
                        Seed: parsed.GetValue(seed)
                    ),
                    parsed.GetValue(checkpoint),
                    parsed.GetValue(save),
                    parsed.GetValue(output),
                    parsed.GetValue(device),
                    parsed.GetRequiredValue(plugins),
                    weights.Read(parsed)
                )
            )
        );
        return command;
    }

    private static Option<int> Whole(string name, string description, int value) =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => value,
        };

    private static int AtLeast(string option, int value, int least) =>
        value >= least ? value : throw new UserErrorException($"{option} is {value}; at least {least} was expected.");
}
