using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Framework.Running.Loops;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>What a <see cref="Loop"/> goes through: epochs, and batch by batch the training step with the hooks around it.</summary>
public sealed class Training
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly TrainerParts _parts;
    private readonly TrainStep _step;
    private readonly ScheduleChain _schedule;
    private readonly HookList _hooks;
    private readonly Func<bool> _stops;
    private readonly SkippedSamples _skipped;
    private bool _allRead; // the epoch's batches, of which there may be fewer than expected

    /// <param name="stops">Whether the run ends here.</param>
    internal Training(TrainerParts parts, RunState state, TrainStep step, ScheduleChain schedule, HookList hooks, Func<bool> stops)
    {
        (_parts, State, _step, _schedule, _hooks, _stops) = (parts, state, step, schedule, hooks, stops);
        _skipped = new SkippedSamples(parts.TrainLoader, "train", text => s_log.LogWarning("{0}", text));
    }

    /// <summary>Where the run stands.</summary>
    public RunState State { get; }

    /// <summary>Where the state is kept that a loss that isn't finite is looked for from; null where none is.</summary>
    internal Rewind? Rewind { get; init; }

    /// <summary>Whether something has stopped the run. With several processes, all of them ask at the same points.</summary>
    public bool Stops() => _stops();

    /// <summary>Goes through an epoch, or what is left of it. Where <paramref name="go"/> leaves batches over, or the run stops, the epoch
    /// stays unfinished.</summary>
    /// <param name="go">Gets the epoch's batches, which end where the run stops.</param>
    public void Epoch(Action<IEnumerable<Batch>> go)
    {
        var whole = _hooks.Epoch(
            State,
            () =>
            {
                _allRead = false;
                go(Batches());
                if (!_allRead && State.BatchInEpoch < _parts.TrainLoader.BatchesPerEpoch)
                    return false;
                // Where the loader left out samples, an epoch may end before its last step was due.
                if (State.StopReason is null && _step.Finish())
                    State.EndStep();
                _skipped.Sum();
                State.EndEpoch();
                return true;
            }
        );
        if (whole)
            State.NextEpoch();
    }

    /// <summary>One batch: the hooks before it, the learning rate, the training step, the hooks after it.</summary>
    public void Iterate(Batch batch)
    {
        using var scope = NewDisposeScope(); // this iteration's tensors
        _step.Prepare(batch);
        var accumulate = _parts.Step.Accumulate;
        var inStep = State.BatchInEpoch % accumulate;
        if (inStep == 0)
            Rewind?.LookBack();
        // An epoch's last step may have fewer batches; a loop may give an epoch more than the loader has.
        var batches = Math.Clamp(_parts.TrainLoader.BatchesPerEpoch - (State.BatchInEpoch - inStep), 1, accumulate);
        var completes = inStep + 1 == batches;

        State.BeginBatch();
        _hooks.BeforeIteration(State, batch);
        _step.Apply(_schedule, State.Progress);
        var losses = Step(batch, batches, completes);
        State.Row.Add(losses);
        State.EndBatch();
        if (completes)
            State.EndStep();
        _hooks.AfterIteration(State, batch, losses);
    }

    private LossMap Step(Batch batch, int batches, bool completes)
    {
        try
        {
            return _step.Run(batch, State.Progress, batches, completes);
        }
        catch (NonFiniteLossException found)
        {
            _step.AssembleStages();
            throw NonFiniteReport.Explain(found, batch, State, _step, _parts);
        }
    }

    private IEnumerable<Batch> Batches()
    {
        foreach (var loaded in _parts.TrainLoader.Epoch(State.Progress.Epoch, State.BatchInEpoch))
        {
            using var batch = loaded;
            _skipped.Tell();
            yield return batch;
            if (Stops())
                yield break;
        }
        _allRead = true;
    }
}
