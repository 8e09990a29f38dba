namespace Tessera.Framework.Optimization;

/// <param name="StepSize">Steps between falls, counted from the beginning of the phase.</param>
/// <param name="Gamma">The factor.</param>
public sealed record StepLrOptions([property: Range(1, int.MaxValue)] int StepSize, [property: Range(0.0, 1.0)] double Gamma = 0.1);

/// <summary>Falls by a factor every so many steps.</summary>
[Component("StepLr")]
public sealed class StepLr(StepLrOptions options) : Schedule
{
    public override double Rate(double baseRate, PhaseStep at) =>
        baseRate * Math.Pow(options.Gamma, Math.Floor(at.Step / options.StepSize));
}
