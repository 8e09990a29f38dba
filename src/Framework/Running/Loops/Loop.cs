using Tessera.Framework.Hooks;

namespace Tessera.Framework.Running.Loops;

/// <summary>What a run counts.</summary>
public enum LoopKind
{
    Epochs,
    Iterations,
}

/// <summary>What comes after what in a run: epochs and their batches, until it is long enough.</summary>
/// <remarks><c>train.loop</c> of a config names one: <c>"epochs"</c>, <c>"iterations"</c>, or an object with its type. A loop of a plugin
/// goes through the batches as it likes; each goes through <see cref="Training.Iterate"/>.</remarks>
[ComponentKind("loop")]
public abstract class Loop
{
    /// <param name="counts">What the length and the interval of evaluations are counted in.</param>
    /// <param name="length">Epochs or iterations of the whole run, at least 1.</param>
    /// <param name="validateEvery">Epochs or iterations between evaluations; 0 for none.</param>
    /// <exception cref="UserErrorException">The length is less than 1.</exception>
    protected Loop(LoopKind counts, long length, int validateEvery = 1)
    {
        (Counts, Length, ValidateEvery) = (counts, length, validateEvery);
        if (length < 1)
            throw new UserErrorException($"{LengthKey}: must be at least 1.");
    }

    /// <summary>What the length is counted in.</summary>
    public LoopKind Counts { get; }

    /// <summary>Epochs or iterations (optimizer steps) of the whole run.</summary>
    public long Length { get; }

    /// <summary>Epochs or iterations between evaluations; 0 for none.</summary>
    public int ValidateEvery { get; }

    /// <summary>The config's key of the length, for messages.</summary>
    public string LengthKey => $"{ComponentPlace.Of(this)?.Path ?? "train"}.{ConfigKey.NameOf(Counts.ToString())}";

    /// <summary>Trains until <see cref="IsDone"/>, or until <see cref="Training.Stops"/>. Where a run is resumed it begins in the middle,
    /// as <see cref="Training.State"/> says.</summary>
    public abstract void Run(Training training);

    /// <summary>Optimizer steps of the whole run; schedules count to its end.</summary>
    public long TotalIterations(long stepsPerEpoch) => Counts == LoopKind.Epochs ? Length * stepsPerEpoch : Length;

    /// <summary>Whether the run is as long as it was to be.</summary>
    public bool IsDone(RunState run) => (Counts == LoopKind.Epochs ? run.EpochsDone : run.Progress.Iteration) >= Length;

    /// <summary>Whether an evaluation follows the step that is just done. By default one does every so many iterations, and at the end,
    /// where
    /// the loop counts iterations.</summary>
    public virtual bool EvaluatesAfterStep(RunState run) => Counts == LoopKind.Iterations && IsDue(run.Progress.Iteration);

    /// <summary>Whether an evaluation follows the epoch that is just done. By default one does every so many epochs, and at the end, where
    /// the loop counts epochs.</summary>
    public virtual bool EvaluatesAfterEpoch(RunState run) => Counts == LoopKind.Epochs && IsDue(run.EpochsDone);

    private bool IsDue(long done) => ValidateEvery > 0 && done > 0 && (done % ValidateEvery == 0 || done == Length);
}
