namespace Tessera.Framework.Optimization;

/// <summary>The curve between two points of a schedule.</summary>
public enum Anneal
{
    Cos,
    Linear,
}

/// <param name="PctStart">Share of the phase in which the rate rises.</param>
/// <param name="Anneal">The curve between the turning points.</param>
/// <param name="DivFactor">The optimizer's learning rate, which is the peak, over the first.</param>
/// <param name="FinalDivFactor">The first learning rate over the last.</param>
/// <param name="ThreePhase">Fall to the first rate as slowly as it rose, then to the last one.</param>
/// <param name="CycleMomentum">Move momentum (or beta1) against the learning rate.</param>
/// <param name="BaseMomentum">Momentum at the peak.</param>
/// <param name="MaxMomentum">Momentum at both ends.</param>
public sealed record OneCycleLrOptions(
    [property: Range(0.0, 1.0)] double PctStart = 0.3,
    Anneal Anneal = Anneal.Cos,
    [property: Range(1.0, 1e9)] double DivFactor = 25,
    [property: Range(1.0, 1e12)] double FinalDivFactor = 1e4,
    bool ThreePhase = false,
    bool CycleMomentum = true,
    [property: Range(0.0, 1.0)] double BaseMomentum = 0.85,
    [property: Range(0.0, 1.0)] double MaxMomentum = 0.95
);

/// <summary>Rises to the optimizer's learning rate, then falls far below where it began.</summary>
/// <remarks>Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2017,
/// arXiv:1708.07120.</remarks>
[Component("OneCycleLr")]
public sealed class OneCycleLr(OneCycleLrOptions options) : Schedule
{
    public override double Rate(double baseRate, PhaseStep at)
    {
        var first = baseRate / options.DivFactor;
        var last = first / options.FinalDivFactor;
        return options.ThreePhase ? Between(at, first, baseRate, first, last) : Between(at, first, baseRate, last, last);
    }

    public override double? Momentum(PhaseStep at) =>
        options.CycleMomentum ? Between(at, options.MaxMomentum, options.BaseMomentum, options.MaxMomentum, options.MaxMomentum) : null;

    /// <summary>The turning points lie on whole steps, and the last step of the phase, not the one after it, is the end.</summary>
    private double Between(PhaseStep at, double start, double peak, double second, double end)
    {
        var up = options.PctStart * at.Length - 1;
        var down = options.ThreePhase ? 2 * options.PctStart * at.Length - 2 : at.Length - 1;
        var stop = at.Length - 1;
        var step = Math.Min(at.Step, stop);
        if (step <= up)
            return Curve(start, peak, up > 0 ? step / up : 1);
        if (step <= down)
            return Curve(peak, second, down > up ? (step - up) / (down - up) : 1);
        return Curve(second, end, stop > down ? (step - down) / (stop - down) : 1);
    }

    private double Curve(double from, double to, double fraction) =>
        options.Anneal == Anneal.Linear ? from + (to - from) * fraction : to + (from - to) / 2 * (1 + Math.Cos(Math.PI * fraction));
}
