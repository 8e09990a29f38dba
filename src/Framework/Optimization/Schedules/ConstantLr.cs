namespace Tessera.Framework.Optimization;

/// <param name="Factor">Times the optimizer's learning rate.</param>
public sealed record ConstantLrOptions([property: Range(0.0, 1e6)] double Factor = 1);

/// <summary>The same all along.</summary>
[Component("ConstantLr")]
public sealed class ConstantLr(ConstantLrOptions options) : Schedule
{
    public override double Rate(double baseRate, PhaseStep at) => baseRate * options.Factor;
}
