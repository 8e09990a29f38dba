using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Models;
using Tessera.Framework.Running.Loops;

namespace Tessera.Framework.Running;

/// <summary>Evaluates when the loop says so. Every run has it.</summary>
internal sealed class EvaluationHook(Loop loop) : Hook
{
    public override int Order => HookOrder.Evaluation;

    public override void AfterIteration(RunState run, Batch batch, LossMap losses)
    {
        if (run.StepDone && loop.EvaluatesAfterStep(run))
            run.Evaluate();
    }

    public override void AfterEpoch(RunState run)
    {
        if (loop.EvaluatesAfterEpoch(run))
            run.Evaluate();
    }
}
