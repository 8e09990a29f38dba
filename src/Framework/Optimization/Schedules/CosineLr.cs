namespace Tessera.Framework.Optimization;

/// <param name="MinLr">Where it ends.</param>
public sealed record CosineLrOptions([property: Range(0.0, 1e6)] double MinLr = 0);

/// <summary>Falls to a minimum along half a cosine over the phase.</summary>
/// <remarks>Loshchilov and Hutter, "SGDR", ICLR 2017, arXiv:1608.03983, without restarts.</remarks>
[Component("CosineLr")]
public sealed class CosineLr(CosineLrOptions options) : Schedule
{
    public override double Rate(double baseRate, PhaseStep at)
    {
        var minimum = Math.Min(options.MinLr, baseRate);
        return minimum + (baseRate - minimum) * (1 + Math.Cos(Math.PI * at.Fraction)) / 2;
    }
}
