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
[ComponentKind("hook")]
public abstract class Hook
{
    /// <summary>Lower runs first. Averages 100, checks 200, early stopping 450, logs 500, checkpoints 600, evaluation 700.</summary>
    public virtual int Order => 500;

    public virtual void BeforeRun(RunState run) { }

    /// <summary>The run's end, also of one that failed (<see cref="RunState.Failure"/>), for every hook whose <see cref="BeforeRun"/> was
    /// done.</summary>
    public virtual void AfterRun(RunState run) { }

    public virtual void BeforeEpoch(RunState run) { }

    public virtual void AfterEpoch(RunState run) { }

    public virtual void BeforeIteration(RunState run, Batch batch) { }

    public virtual void AfterIteration(RunState run, Batch batch, LossMap losses) { }

    public virtual void BeforeEvaluation(RunState run) { }

    public virtual void AfterEvaluation(RunState run, IReadOnlyDictionary<string, double> metrics) { }

    /// <summary>In place of <see cref="AfterEvaluation"/> where an evaluation failed: what <see cref="BeforeEvaluation"/> changed is put
    /// back.</summary>
    public virtual void EvaluationFailed(RunState run) { }

    /// <summary>State that must survive a resume; empty where there is none.</summary>
    public virtual void Save(StateWriter state) { }

    /// <summary>Takes back what <see cref="Save"/> wrote.</summary>
    public virtual void Load(StateReader state) { }
}
