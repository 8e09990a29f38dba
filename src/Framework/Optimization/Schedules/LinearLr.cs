namespace Tessera.Framework.Optimization;

/// <param name="StartFactor">Times the learning rate, at the beginning.</param>
/// <param name="EndFactor">Times the learning rate, at the end.</param>
public sealed record LinearLrOptions(
    [property: Range(0.0, 1e6)] double StartFactor = 1.0 / 3,
    [property: Range(0.0, 1e6)] double EndFactor = 1
);

/// <summary>From one factor to another in a straight line over the phase: the usual warm-up.</summary>
[Component("LinearLr")]
public sealed class LinearLr(LinearLrOptions options) : Schedule
{
    public override double Rate(double baseRate, PhaseStep at) =>
        baseRate * (options.StartFactor + (options.EndFactor - options.StartFactor) * at.Fraction);
}
