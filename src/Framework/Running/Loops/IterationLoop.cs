namespace Tessera.Framework.Running.Loops;

/// <param name="Iterations">Length of the run in optimizer steps.</param>
/// <param name="ValidateEvery">Optimizer steps between evaluations, of which one comes at the end, too; 0 for none.</param>
public sealed record IterationLoopOptions(
    [property: Range(1L, long.MaxValue)] long Iterations,
    [property: Range(0, int.MaxValue)] int ValidateEvery = 1
);

/// <summary>Makes so many optimizer steps; the last epoch ends where they are done.</summary>
[Component("IterationLoop")]
public sealed class IterationLoop(IterationLoopOptions options) : Loop(LoopKind.Iterations, options.Iterations, options.ValidateEvery)
{
    public override void Run(Training training)
    {
        while (!training.Stops() && !IsDone(training.State))
            training.Epoch(batches =>
            {
                foreach (var batch in batches)
                {
                    training.Iterate(batch);
                    if (IsDone(training.State))
                        break;
                }
            });
    }
}
