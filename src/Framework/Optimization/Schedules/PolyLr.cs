namespace Tessera.Framework.Optimization;

/// <param name="Power">1 for a straight line.</param>
/// <param name="MinLr">Where it ends.</param>
public sealed record PolyLrOptions([property: Range(0.0, 100.0)] double Power = 1, [property: Range(0.0, 1e6)] double MinLr = 0);

/// <summary>Falls to a minimum as a power of what is left of the phase.</summary>
/// <remarks>Chen et al., "DeepLab", 2016, arXiv:1606.00915, section 4.1.</remarks>
[Component("PolyLr")]
public sealed class PolyLr(PolyLrOptions options) : Schedule
{
    public override double Rate(double baseRate, PhaseStep at)
    {
        var minimum = Math.Min(options.MinLr, baseRate);
        return minimum + (baseRate - minimum) * Math.Pow(1 - at.Fraction, options.Power);
    }
}
