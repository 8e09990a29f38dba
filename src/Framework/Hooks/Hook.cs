using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Running;

namespace Tessera.Framework.Hooks;

/// <summary>
/// Something that happens at fixed points of a run. Hooks run by <see cref="Order"/>, then by their key in the config's
/// "hooks" map, so that the order is stated and not left to chance.
/// </summary>
/// <remarks>What begins also ends, whatever happens in between, and for every hook, even where another one fails: a run, an epoch, an
/// evaluation. The error that came first is the one that is told; what fails at the end after that is logged.</remarks>
[ComponentKind("hook")]
public abstract class Hook
{
    /// <summary>Lower runs first; one of <see cref="HookOrder"/>'s places, or between them.</summary>
    /// <value><see cref="HookOrder.Logs"/>.</value>
    public virtual int Order => HookOrder.Logs;

    public virtual void BeforeRun(RunState run) { }

    /// <summary>The run's end, also of one that failed (<see cref="RunState.Failure"/>), for every hook whose <see cref="BeforeRun"/> was
    /// done.</summary>
    public virtual void AfterRun(RunState run) { }

    /// <summary>Before an epoch's first batch, or the first of what is left of it where a run is resumed in its middle.</summary>
    public virtual void BeforeEpoch(RunState run) { }

    /// <summary>The epoch is done: <see cref="RunState.EpochsDone"/> counts it.</summary>
    public virtual void AfterEpoch(RunState run) { }

    /// <summary>In place of <see cref="AfterEpoch"/> where an epoch did not come to its end: the run ended in its middle, or something
    /// failed, in a hook's <see cref="BeforeEpoch"/> or <see cref="AfterEpoch"/> too.</summary>
    public virtual void EpochUnfinished(RunState run) { }

    public virtual void BeforeIteration(RunState run, Batch batch) { }

    public virtual void AfterIteration(RunState run, Batch batch, LossMap losses) { }

    public virtual void BeforeEvaluation(RunState run) { }

    public virtual void AfterEvaluation(RunState run, IReadOnlyDictionary<string, double> metrics) { }

    /// <summary>In place of <see cref="AfterEvaluation"/> where an evaluation failed, in another hook too: what
    /// <see cref="BeforeEvaluation"/> changed is put back, also where it was this one that failed half-way.</summary>
    public virtual void EvaluationFailed(RunState run) { }

    /// <summary>State that must survive a resume; empty where there is none.</summary>
    public virtual void Save(StateWriter state) { }

    /// <summary>Takes back what <see cref="Save"/> wrote.</summary>
    public virtual void Load(StateReader state) { }
}
