using System.CommandLine;
using Tessera.Features;
using Tessera.Framework.Errors;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;
using Tessera.Tools.PseudoLabels;

namespace Tessera.Tools.Transfer;

/// <summary>The arguments of tools/linear-probe.</summary>
internal sealed class ProbeArguments
{
    private readonly Argument<string> _train = new("TRAIN") { Description = "Features to train on, of tools/extract-features." };

    private readonly Argument<string> _val = new("VAL") { Description = "Features by which the best head is chosen." };

    private readonly Option<string?> _test = new("--test")
    {
        Description = "Features that had no part in the choice: the chosen head is measured on them, too.",
        HelpName = "FEATURES",
    };

    private readonly Option<string?> _rates = new("--lrs")
    {
        Description = "Learning rates, with commas between them. Default: 13 from 1e-5 to 0.1.",
        HelpName = "RATES",
    };

    private readonly Option<int> _epochs = Whole("--epochs", "Passes over the features. Default: 10.", 10);

    private readonly Option<int> _batch = Whole("--batch-size", "Samples a step; rates are multiplied by it over 256. Default: 128.", 128);

    private readonly Option<int> _seed = Whole("--seed", "Of the first weights and the order. Default: 0.", 0);

    private readonly Option<string?> _checkpoint = new("--checkpoint")
    {
        Description = "With --save: the weights that the features were made with.",
        HelpName = "PATH",
    };

    private readonly Option<string?> _save = new("--save")
    {
        Description = "Write network and chosen head there as one checkpoint, for tools/test and tools/predict.",
        HelpName = "PATH",
    };

    private readonly Option<string?> _output = new("--out")
    {
        Description = "Write what was measured there, as JSON.",
        HelpName = "metrics.json",
    };

    private readonly Option<string?> _device = CommandLine.Device();

    private readonly Option<string[]> _plugins = CommandLine.Plugins();

    private readonly WeightArguments _weights = new();

    public void AddTo(Command command)
    {
        command.Add(_train);
        command.Add(_val);
        foreach (var option in (Option[])[_test, _rates, _epochs, _batch, _seed, _checkpoint, _save, _output, _device, _plugins])
            command.Add(option);
        _weights.AddTo(command);
    }

    /// <exception cref="UserErrorException">A number is out of bounds.</exception>
    public ProbeRequest Read(ParseResult parsed) =>
        new(
            parsed.GetRequiredValue(_train),
            parsed.GetRequiredValue(_val),
            parsed.GetValue(_test),
            new LinearProbeOptions(
                parsed.GetValue(_rates) is { } list ? NumberList.Parse("--lrs", list, 1e-9, 1e3) : null,
                AtLeastOne("--epochs", parsed.GetValue(_epochs)),
                AtLeastOne("--batch-size", parsed.GetValue(_batch)),
                Seed: parsed.GetValue(_seed)
            ),
            parsed.GetValue(_checkpoint),
            parsed.GetValue(_save),
            parsed.GetValue(_output),
            parsed.GetValue(_device),
            parsed.GetRequiredValue(_plugins),
            _weights.Read(parsed)
        );

    private static Option<int> Whole(string name, string description, int value) =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => value,
        };

    private static int AtLeastOne(string option, int value) =>
        value >= 1 ? value : throw new UserErrorException($"{option} is {value}; at least 1 was expected.");
}
