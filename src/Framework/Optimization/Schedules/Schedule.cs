using Tessera.Framework.Checkpoints;
using Tessera.Framework.Running;

namespace Tessera.Framework.Optimization;

/// <summary>What a schedule counts.</summary>
public enum ScheduleUnit
{
    Iteration,
    Epoch,
}

/// <summary>Where a phase stands, in its own unit.</summary>
/// <param name="Step">Steps since the phase began, from 0.</param>
/// <param name="Length">Steps of the phase, at least 1.</param>
/// <param name="RunStep">Steps since the run began.</param>
public readonly record struct PhaseStep(double Step, double Length, double RunStep)
{
    /// <summary>In [0, 1].</summary>
    public double Fraction => Math.Min(Step / Length, 1);
}

/// <summary>
/// One phase of the learning rate's course: a function of the step alone, so that a resumed run needs no state. Phases follow
/// one another, unless they say from when they last; each starts from the optimizer's own learning rate, not from where the last
/// one ended.
/// </summary>
[ComponentKind("schedule")]
public abstract class Schedule
{
    /// <summary>Iteration or epoch of the run at which the next phase takes over; the last phase lasts to the end of the run.</summary>
    [FromConfig]
    [Range(0, int.MaxValue)]
    public int? Until { get; set; }

    /// <summary>
    /// Iteration or epoch of the run at which the phase begins; by default where the one before it ends. One that begins earlier
    /// overlaps with it, and their rates multiply, as mmengine's do: a warm-up over 500 iterations beside steps by epoch.
    /// </summary>
    [FromConfig]
    [Range(0, int.MaxValue)]
    public int? From { get; set; }

    /// <summary>Whether <see cref="From"/>, <see cref="Until"/> and the phase's other counts are iterations or epochs.</summary>
    [FromConfig]
    public ScheduleUnit By { get; set; }

    /// <summary>The learning rate of a parameter group.</summary>
    /// <param name="baseRate">The group's own, its multiplier applied.</param>
    public abstract double Rate(double baseRate, PhaseStep at);

    /// <summary>The momentum (or beta1); null leaves it alone.</summary>
    public virtual double? Momentum(PhaseStep at) => null;

    /// <summary>After an evaluation, for schedules that follow a metric.</summary>
    public virtual void Observe(IReadOnlyDictionary<string, double> metrics) { }

    public virtual void Save(StateWriter state) { }

    public virtual void Load(StateReader state) { }
}
