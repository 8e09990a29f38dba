using System.CommandLine;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Generation;

/// <summary>The options of tools/generate that say which images are wanted.</summary>
internal sealed class GenerationArguments
{
    private readonly Option<string> _output = new("--out-dir")
    {
        Description = "The folder to write: DIR/CLASS/000001.png and DIR/synthetic.jsonl. It must be new or empty.",
        HelpName = "DIR",
        Required = true,
    };
    private readonly Option<string[]> _classes = new("--classes")
    {
        Description = "Whose images. Default: all classes.",
        HelpName = "CLASS",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };
    private readonly Option<int> _count = new("--count")
    {
        Description = "Images of each class. Default: 100.",
        HelpName = "N",
        DefaultValueFactory = _ => 100,
    };
    private readonly Option<long> _seed = new("--seed")
    {
        Description = "Another seed, other images. Default: 0.",
        HelpName = "N",
        DefaultValueFactory = _ => 0,
    };
    private readonly Option<double?> _agreement = new("--min-agreement")
    {
        Description = "Leave out images whose class has a lower probability, from 0 to 1, by the judge or else by the model itself.",
        HelpName = "P",
    };
    private readonly Option<string?> _judge = new("--judge")
    {
        Description = "A checkpoint of a classifier of the same classes, which says how sure it is of each image.",
        HelpName = "CHECKPOINT",
    };
    private readonly Option<int> _tries = new("--max-tries")
    {
        Description = "With --min-agreement: images drawn at most for each that is wanted. Default: 20.",
        HelpName = "N",
        DefaultValueFactory = _ => 20,
    };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _output, _classes, _count, _seed, _agreement, _judge, _tries })
            command.Add(option);
    }

    /// <exception cref="UserErrorException">A number is out of its bounds.</exception>
    public GenerationSettings Read(ParseResult parsed, string checkpoint, SessionOptions session)
    {
        var agreement = parsed.GetValue(_agreement);
        if (agreement is { } least && least is not (>= 0 and <= 1))
            throw new UserErrorException($"--min-agreement is {least}; a number from 0 to 1 was expected.");
        return new GenerationSettings
        {
            Checkpoint = checkpoint,
            Output = parsed.GetRequiredValue(_output),
            Classes = parsed.GetRequiredValue(_classes),
            Count = Within(parsed.GetRequiredValue(_count), 1, 1_000_000, "--count"),
            Seed = parsed.GetRequiredValue(_seed),
            MinAgreement = agreement,
            Judge = parsed.GetValue(_judge),
            MaxTries = Within(parsed.GetRequiredValue(_tries), 1, 10_000, "--max-tries"),
            Session = session,
        };
    }

    private static int Within(int value, int least, int most, string option) =>
        value >= least && value <= most
            ? value
            : throw new UserErrorException($"{option} is {value}; a number from {least} to {most} was expected.");
}
