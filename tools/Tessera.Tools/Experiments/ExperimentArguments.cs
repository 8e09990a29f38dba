using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Running;
using Tessera.Tools.Output;
using Tessera.Torch;

namespace Tessera.Tools.Experiments;

/// <summary>What the tools that train several times are asked alike.</summary>
internal sealed class ExperimentArguments
{
    private const int MostJobs = 256;

    private readonly Option<string?> _workDir = new("--work-dir") { HelpName = "DIR" };

    private readonly Option<int> _jobs = new("--jobs")
    {
        Description = "How many trainings at once. They share the cores where the config leaves threads open. Default: 1.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<string?> _device = CommandLine.Device();

    private readonly Option<bool> _overwrite = new("--overwrite")
    {
        Description = "Begin anew where the work dir holds an experiment, whose files are then removed.",
    };

    private readonly Option<string[]> _overrides = CommandLine.CfgOptions();

    /// <param name="workDir">What the folder is called by default.</param>
    public ExperimentArguments(string workDir) =>
        _workDir.Description =
            $"Where the runs are written, each into a folder of its own; {workDir} by default. The same command goes "
            + "on with what is there.";

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_workDir, _jobs, _device, _overwrite, _overrides])
            command.Options.Add(option);
    }

    /// <exception cref="UserErrorException">A number is out of bounds.</exception>
    public ExperimentSettings Read(ParseResult parsed)
    {
        var jobs = parsed.GetValue(_jobs);
        if (jobs is < 1 or > MostJobs)
            throw new UserErrorException($"--jobs is {jobs}; a number from 1 to {MostJobs} was expected.");
        var overrides = parsed.GetRequiredValue(_overrides).ToList();
        if (parsed.GetValue(_device) is { } device)
            overrides.Add($"device={device}");
        return new ExperimentSettings(parsed.GetValue(_workDir), jobs, parsed.GetValue(_overwrite), overrides);
    }
}

/// <summary>How an experiment is to be run.</summary>
/// <param name="WorkDir">null: the default.</param>
/// <param name="Jobs">How many trainings at once.</param>
/// <param name="Overwrite">Removes the experiment that is there.</param>
/// <param name="Overrides">Changes to the config.</param>
internal sealed record ExperimentSettings(string? WorkDir, int Jobs, bool Overwrite, IReadOnlyList<string> Overrides)
{
    private static readonly SourceLocation s_jobs = new("--jobs", 0);

    /// <summary>Each run's threads where several run at once and nothing says how many; 0 for none stated.</summary>
    public int ThreadsOf(RunOptions options) =>
        Jobs > 1 && options.Threads == 0 && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"))
            ? Math.Max(1, Processor.Cores / Jobs)
            : 0;

    /// <summary>The edits that all runs of an experiment share.</summary>
    public static IEnumerable<ConfigEdit> Shared(ExperimentPlan plan, RunOptions options) =>
        plan.Threads > 0 && options.Threads == 0
            ? [ConfigEdit.Of("threads", plan.Threads.ToString(CultureInfo.InvariantCulture), s_jobs)]
            : [];

    /// <summary>The edit that sets a run's seed.</summary>
    public static ConfigEdit Seed(long seed) =>
        ConfigEdit.Of("seed", seed.ToString(CultureInfo.InvariantCulture), new SourceLocation("--seeds", 0));

    /// <summary>A config must train and be evaluated, or there is nothing to compare.</summary>
    /// <exception cref="UserErrorException">It doesn't.</exception>
    public static void RequireEvaluation(Session session)
    {
        if (session.Options.Train is not { } train)
            throw new UserErrorException($"{session.Name}: it has no train, so there is nothing to repeat.");
        if (session.Options.Val is null || train.BuildLoop(session.Services).ValidateEvery <= 0)
            throw new UserErrorException(
                $"{session.Name}: its runs are not evaluated, so there is nothing to compare. Give it val, and leave "
                    + "train.validate_every above 0."
            );
    }

    /// <summary>The metric by which the config keeps the best checkpoint; null where it keeps none.</summary>
    public static SaveBestOptions? Followed(RunOptions options) =>
        options.Hooks?.Values.Select(hook => (hook?.Options as CheckpointHookOptions)?.SaveBest).FirstOrDefault(best => best is not null);
}
