using System.CommandLine;
using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tools.Reporting;

/// <summary>The arguments that say what a report holds.</summary>
internal sealed class ReportArguments
{
    private const int MostImages = 50,
        MostRepetitions = 100_000;

    private readonly Option<string?> _part = new("--part")
    {
        Description = "val or test: whose stored predictions. Default: test, or val where there is no test.",
        HelpName = "PART",
    };

    private readonly Option<string?> _metric = new("--metric")
    {
        Description = "With --compare: by this value. Default: the first of the config.",
        HelpName = "NAME",
    };

    private readonly Option<int> _count = new("--count")
    {
        Description = "How many of the worst images, and of the best. Default: 8.",
        HelpName = "N",
        DefaultValueFactory = _ => new ReportSettings().Count,
    };

    private readonly Option<double> _score = new("--score-thr")
    {
        Description = "Detectors: boxes that score less are neither drawn nor counted as confusions. Default: 0.3.",
        HelpName = "SCORE",
        DefaultValueFactory = _ => new ReportSettings().LeastScore,
    };

    private readonly Option<int> _bootstrap = new("--bootstrap")
    {
        Description = "How often the images are drawn anew for intervals; 0: only those that the metrics draw. Default: 1000.",
        HelpName = "N",
        DefaultValueFactory = _ => new ReportSettings().Bootstrap,
    };

    private readonly Option<bool> _noData = new("--no-data")
    {
        Description = "Leave out the statistics of the data, for which every file is opened.",
    };

    private readonly Option<bool> _plugins = new("--plugins")
    {
        Description = "Load the plugins that a run's config names. Their code is run: only for runs of your own.",
    };

    private readonly Option<string[]> _overrides = CommandLine.CfgOptions();

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_part, _metric, _count, _score, _bootstrap, _noData, _plugins, _overrides])
            command.Add(option);
    }

    public string? Metric(ParseResult parsed) => parsed.GetValue(_metric);

    /// <exception cref="UserErrorException">A number is out of bounds, or there is no such part.</exception>
    public ReportSettings Read(ParseResult parsed)
    {
        var settings = new ReportSettings
        {
            Part = parsed.GetValue(_part),
            Count = parsed.GetValue(_count),
            LeastScore = parsed.GetValue(_score),
            Bootstrap = parsed.GetValue(_bootstrap),
            CountsData = !parsed.GetValue(_noData),
            LoadsPlugins = parsed.GetValue(_plugins),
            Overrides = parsed.GetRequiredValue(_overrides),
        };
        if (settings.Count is < 1 or > MostImages)
            throw new UserErrorException($"--count is {settings.Count}; a number from 1 to {MostImages} was expected.");
        if (settings.LeastScore is not (>= 0 and <= 1))
            throw new UserErrorException($"--score-thr is {settings.LeastScore}; a number from 0 to 1 was expected.");
        if (settings.Bootstrap is < 0 or > MostRepetitions)
            throw new UserErrorException($"--bootstrap is {settings.Bootstrap}; a number from 0 to {MostRepetitions} was expected.");
        if (settings.Part is { } part && DataParts.Named(part) == DataPart.Train)
            throw new UserErrorException("--part train: predictions are stored of val and test.");
        return settings;
    }
}
