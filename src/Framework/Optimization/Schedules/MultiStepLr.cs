namespace Tessera.Framework.Optimization;

/// <param name="Milestones">Iterations or epochs of the run, not of the phase, so that a warm-up before it moves none of them.</param>
/// <param name="Gamma">The factor.</param>
public sealed record MultiStepLrOptions([property: MinLength(1)] int[] Milestones, [property: Range(0.0, 1.0)] double Gamma = 0.1);

/// <summary>Falls by a factor at the given steps.</summary>
[Component("MultiStepLr")]
public sealed class MultiStepLr(MultiStepLrOptions options) : Schedule
{
    public override double Rate(double baseRate, PhaseStep at) =>
        baseRate * Math.Pow(options.Gamma, options.Milestones.Count(milestone => milestone <= at.RunStep));
}
