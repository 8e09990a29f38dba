using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using static TorchSharp.torch;

namespace Tessera.Framework.Hooks;

/// <param name="EveryEpochs">Epochs between checkpoints; 0 for none. 1 where no interval at all is given.</param>
/// <param name="EveryIterations">Optimizer steps between checkpoints; 0 for none.</param>
/// <param name="EveryMinutes">Minutes between checkpoints; 0 for none.</param>
/// <param name="Keep">How many of them to keep; 0 for all.</param>
/// <param name="SaveBest">Keep the checkpoint of the best evaluation, too.</param>
public sealed record CheckpointHookOptions(
    [property: Range(0, int.MaxValue)] int EveryEpochs = 0,
    [property: Range(0, int.MaxValue)] int EveryIterations = 0,
    [property: Range(0.0, 1e6)] double EveryMinutes = 0,
    [property: Range(0, int.MaxValue)] int Keep = 3,
    SaveBestOptions? SaveBest = null
);

/// <param name="Metric">Name of the metric, as evaluation gives it.</param>
/// <param name="Rule">Whether more or less of it is better; by default as the metric declares.</param>
public sealed record SaveBestOptions(string Metric, MetricRule? Rule = null);

/// <summary>Saves the run every so often, at its end, and when an evaluation was the best so far.</summary>
/// <remarks>
/// A checkpoint comes before the evaluation of the same moment, which may fail; after it the checkpoint is written again,
/// with the metrics. A run that is resumed from one that lacks them evaluates first.
/// </remarks>
[Component("CheckpointHook")]
public sealed class CheckpointHook(CheckpointHookOptions options) : Hook, IMetricFollower, ISavesEvaluations
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly Stopwatch _sinceSave = new();
    private CheckpointStore? _store;
    private double? _best;
    private bool _evaluated; // what save_best follows
    private bool _isBest;
    private MetricRule _rule = options.SaveBest?.Rule ?? MetricRule.Greater;
    private long _savedIteration = -1;
    private string? _savedName;

    public override int Order => HookOrder.Checkpoints;

    string? IMetricFollower.Followed => options.SaveBest?.Metric;

    MetricRule? IMetricFollower.Rule => options.SaveBest?.Rule;

    void IMetricFollower.Follow(MetricRule rule) => _rule = rule;

    public override void BeforeRun(RunState run)
    {
        _sinceSave.Start();
        if (run.Group.Rank == 0)
            _store = new CheckpointStore(run.WorkDir, options.Keep);
        if (run.ResumedFrom is not { } resumed)
            return;
        _store?.Adopt(resumed);
        _savedIteration = run.Progress.Iteration;
        var name = Path.GetFileNameWithoutExtension(resumed.Path);
        var own = Path.GetDirectoryName(Path.GetFullPath(resumed.Path)) == Path.GetFullPath(run.WorkDir);
        // A best one stays as it is.
        _savedName = own && !name.StartsWith(CheckpointStore.BestPrefix, StringComparison.Ordinal) ? name : null;
    }

    public override void AfterIteration(RunState run, Batch batch, LossMap losses)
    {
        if (!run.StepDone)
            return;
        if ((options.EveryIterations > 0 && run.Progress.Iteration % options.EveryIterations == 0) || MinutesArePast(run))
            Save(run, $"iter_{run.Progress.Iteration}");
        else if (_isBest)
            SaveBest(run); // of an evaluation that came between two steps
    }

    public override void AfterEpoch(RunState run)
    {
        var every = options is { EveryEpochs: 0, EveryIterations: 0, EveryMinutes: 0 } ? 1 : options.EveryEpochs;
        if (every > 0 && run.EpochsDone % every == 0)
            Save(run, $"epoch_{run.EpochsDone}");
        else if (_isBest)
            SaveBest(run);
    }

    public override void AfterEvaluation(RunState run, IReadOnlyDictionary<string, double> metrics)
    {
        if (options.SaveBest is not { } followed)
            return;
        var value = MetricLookup.Find(metrics, followed.Metric, "CheckpointHook.save_best");
        _evaluated = true;
        if (!double.IsFinite(value) || (_best is { } best && (_rule == MetricRule.Greater ? value <= best : value >= best)))
            return;
        _best = value;
        _isBest = true; // saved once the hooks that swap weights for the evaluation have put them back
    }

    void ISavesEvaluations.SaveEvaluation(RunState run)
    {
        if (!run.StepDone)
            return; // gradients have gathered, which no checkpoint holds
        if (_savedIteration == run.Progress.Iteration && _savedName is { } name)
            Save(run, name, again: true);
        else if (_isBest)
            SaveBest(run);
    }

    string? ISavesEvaluations.SaveDespite(RunState run)
    {
        if (run.Group.WorldSize > 1 && _savedIteration != run.Progress.Iteration)
            return null; // the other processes may not know of the failure
        if (_savedIteration != run.Progress.Iteration && !run.StepDone)
            return null;
        _isBest = false;
        if (_savedIteration != run.Progress.Iteration)
            Save(run, $"iter_{run.Progress.Iteration}");
        return Newest(run.WorkDir);
    }

    /// <summary>The checkpoint from which a run in this folder would go on; null where there is none.</summary>
    internal static string? Newest(string workDir)
    {
        try
        {
            return new CheckpointStore(workDir).Latest;
        }
        catch (UserErrorException)
        {
            return null; // the pointer names a file that is gone
        }
    }

    public override void AfterRun(RunState run)
    {
        if (run.Failure is null && _savedIteration != run.Progress.Iteration && run.Progress.Iteration > 0)
            Save(run, $"iter_{run.Progress.Iteration}");
        if (_evaluated && _best is null && run.Group.Rank == 0)
            s_log.LogWarning(
                "No best checkpoint was kept: {0} (save_best) was not finite in any evaluation. Another metric can be followed.",
                options.SaveBest!.Metric
            );
    }

    public override void Save(StateWriter state) => state.WriteValue("best", _best);

    public override void Load(StateReader state) => _best = (double?)state.Value("best");

    private void Save(RunState run, string name, bool again = false)
    {
        using var scope = NewDisposeScope();
        var state = run.Capture();
        if (_store is not null)
        {
            var path = _store.Save(name, state, run.Describe());
            if (!again)
                s_log.LogInformation("Saved {0}", path);
            if (_isBest)
                _store.SaveBest(options.SaveBest!.Metric, state, run.Describe());
        }
        _savedName = name;
        Done(run);
    }

    private void SaveBest(RunState run)
    {
        using var scope = NewDisposeScope();
        var state = run.Capture();
        _store?.SaveBest(options.SaveBest!.Metric, state, run.Describe());
        _isBest = false;
        run.Group.Barrier();
    }

    private void Done(RunState run)
    {
        run.Group.Barrier();
        _isBest = false;
        _savedIteration = run.Progress.Iteration;
        _sinceSave.Restart();
    }

    /// <summary>Rank 0's clock decides for all.</summary>
    private bool MinutesArePast(RunState run)
    {
        if (options.EveryMinutes <= 0)
            return false;
        var past = _sinceSave.Elapsed.TotalMinutes >= options.EveryMinutes;
        if (run.Group.WorldSize == 1)
            return past;
        return run.Group.AllGather([past ? (byte)1 : (byte)0])[0][0] == 1;
    }
}
