namespace Tessera.Framework.Running.Loops;

/// <param name="Epochs">Length of the run.</param>
/// <param name="ValidateEvery">Epochs between evaluations, of which one comes at the end, too; 0 for none.</param>
public sealed record EpochLoopOptions(
    [property: Range(1, int.MaxValue)] int Epochs,
    [property: Range(0, int.MaxValue)] int ValidateEvery = 1
);

/// <summary>Goes through the data so many times.</summary>
[Component("EpochLoop")]
public sealed class EpochLoop(EpochLoopOptions options) : Loop(LoopKind.Epochs, options.Epochs, options.ValidateEvery)
{
    public override void Run(Training training)
    {
        while (!training.Stops() && !IsDone(training.State))
            training.Epoch(batches =>
            {
                foreach (var batch in batches)
                    training.Iterate(batch);
            });
    }
}
