using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Models;
using Tessera.Framework.Running;

namespace Tessera.Framework.Running;

/// <summary>Evaluates every so many epochs or iterations, and at the end. Every run has it.</summary>
internal sealed class EvaluationHook(LoopKind loop, int every, bool hasData) : Hook
{
    /// <summary>After the checkpoints: what an evaluation could lose is saved before it begins.</summary>
    public override int Order => 700;

    /// <param name="done">Epochs or iterations, as the run counts.</param>
    public bool IsDueAt(long done, long total) => hasData && every > 0 && done > 0 && (done % every == 0 || done == total);

    public override void AfterIteration(RunState run, Batch batch, LossMap losses)
    {
        if (loop == LoopKind.Iterations && run.StepDone)
            EvaluateIfDue(run, run.Progress.Iteration, run.Progress.TotalIterations);
    }

    public override void AfterEpoch(RunState run)
    {
        if (loop == LoopKind.Epochs)
            EvaluateIfDue(run, run.EpochsDone, run.Progress.TotalEpochs);
    }

    private void EvaluateIfDue(RunState run, long done, long total)
    {
        if (IsDueAt(done, total))
            run.Evaluate();
    }
}
