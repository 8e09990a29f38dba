using System.CommandLine;
using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tools.Comparison;

/// <summary>What is compared, and how.</summary>
/// <param name="Runs">Two or more paths.</param>
/// <param name="Metric">null: the first of the config.</param>
/// <param name="Part">"val" or "test"; null: whichever there is.</param>
/// <param name="Config">null: that in the first run's work dir.</param>
internal sealed record ComparisonRequest(
    string[] Runs,
    string? Metric,
    double MinGain,
    string? Part,
    string? Config,
    int Repetitions,
    string[] Overrides
);

/// <summary>The arguments of tools/compare-runs that say what is compared.</summary>
internal sealed class ComparisonArguments
{
    /// <summary>An interval of fewer drawings would be chance itself.</summary>
    public const int FewestRepetitions = 100;

    private const int UsualRepetitions = 1000;

    private readonly Argument<string[]> _runs = new("RUN")
    {
        Description =
            "Two or more, each compared with the first: work dirs, files of their folder predictions, or folders of cross-validation "
            + "or repeated runs.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _metric = new("--metric")
    {
        Description = "Compare by this value. Default: the first of the config.",
        HelpName = "NAME",
    };

    private readonly Option<double> _minGain = new("--min-gain")
    {
        Description = "Better means: by more than this. Below 0: not worse by as much. Default: 0.",
        HelpName = "X",
    };

    private readonly Option<string?> _part = new("--part")
    {
        Description = "val or test. Default: test, or val where there is no test.",
        HelpName = "PART",
    };

    private readonly Option<string?> _config = new("--config")
    {
        Description = "The config whose metrics and data are taken. Default: that in the first run's work dir.",
        HelpName = "CONFIG",
    };

    private readonly Option<int> _repetitions = new("--repetitions")
    {
        Description = "How often the images are drawn anew for the interval. Default: 1000.",
        HelpName = "N",
        DefaultValueFactory = _ => UsualRepetitions,
    };

    private readonly Option<string[]> _overrides = CommandLine.CfgOptions();

    public void AddTo(Command command)
    {
        command.Add(_runs);
        command.Add(_metric);
        command.Add(_minGain);
        command.Add(_part);
        command.Add(_config);
        command.Add(_repetitions);
        command.Add(_overrides);
    }

    /// <exception cref="UserErrorException">There are too few runs or repetitions, no such part, or no finite gain.</exception>
    public ComparisonRequest Read(ParseResult parsed)
    {
        var request = new ComparisonRequest(
            parsed.GetRequiredValue(_runs),
            parsed.GetValue(_metric),
            parsed.GetValue(_minGain),
            parsed.GetValue(_part),
            parsed.GetValue(_config),
            parsed.GetValue(_repetitions),
            parsed.GetRequiredValue(_overrides)
        );
        if (request.Runs.Length < 2)
            throw new UserErrorException("compare-runs compares two or more runs, each with the first: tools/compare-runs A B.");
        if (request.Repetitions < FewestRepetitions)
            throw new UserErrorException($"--repetitions {request.Repetitions}: at least {FewestRepetitions} are needed for an interval.");
        if (!double.IsFinite(request.MinGain))
            throw new UserErrorException("--min-gain: a finite number was expected.");
        if (request.Part is { } part && DataParts.Named(part) == DataPart.Train)
            throw new UserErrorException("--part train: predictions are stored of val and test.");
        return request;
    }
}
