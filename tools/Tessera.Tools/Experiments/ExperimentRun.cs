using Tessera.Framework.Configuration;

namespace Tessera.Tools.Experiments;

/// <summary>One training of an experiment.</summary>
/// <param name="Name">Its folder, relative to the experiment's.</param>
/// <param name="Config">What is trained.</param>
internal sealed record ExperimentRun(string Name, ConfigDocument Config, long Seed)
{
    /// <summary>The fold that is evaluated and not trained on; null where data is not divided.</summary>
    public int? Fold { get; init; }

    /// <summary>The cell of a sweep.</summary>
    public string? Cell { get; init; }
}

/// <summary>A training that has come to its end.</summary>
internal sealed record TrainedRun(ExperimentRun Run, string Folder, RunFacts Facts, RunResult Result)
{
    /// <summary>A value of its final evaluation; NaN where it is undefined.</summary>
    public double this[string metric] => Result.Metrics.GetValueOrDefault(metric) ?? double.NaN;
}

/// <summary>What holds for all runs of an experiment, as its folder remembers it.</summary>
/// <param name="Kind">The tool: "repeat", "cross-validate", "sweep".</param>
/// <param name="Config">The config or grid, as it was named.</param>
internal sealed record ExperimentPlan(string Kind, string Config)
{
    /// <summary>Threads of each run; 0 for as many as the config and the machine say.</summary>
    public int Threads { get; init; }

    /// <summary>Into how many parts the data is divided; 0 for none.</summary>
    public int Folds { get; init; }

    /// <summary>The seed by which the data is divided; null where each run's own seed does it.</summary>
    public long? FoldSeed { get; init; }

    /// <summary>Rules that say which samples stay in one fold; none in plans of before.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];
}
