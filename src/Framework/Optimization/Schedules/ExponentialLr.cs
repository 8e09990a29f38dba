namespace Tessera.Framework.Optimization;

/// <param name="Gamma">The factor.</param>
public sealed record ExponentialLrOptions([property: Range(0.0, 1.0)] double Gamma);

/// <summary>Falls by a factor at every step.</summary>
[Component("ExponentialLr")]
public sealed class ExponentialLr(ExponentialLrOptions options) : Schedule
{
    public override double Rate(double baseRate, PhaseStep at) => baseRate * Math.Pow(options.Gamma, at.Step);
}
