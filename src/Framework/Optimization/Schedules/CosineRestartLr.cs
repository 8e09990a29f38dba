namespace Tessera.Framework.Optimization;

/// <param name="Period">Steps of the first cycle.</param>
/// <param name="Mult">Each cycle lasts this many times the one before.</param>
/// <param name="MinLr">Where each cycle ends.</param>
public sealed record CosineRestartLrOptions(
    [property: Range(1, int.MaxValue)] int Period,
    [property: Range(1, 1000)] int Mult = 1,
    [property: Range(0.0, 1e6)] double MinLr = 0
);

/// <summary>Falls along half a cosine, again and again.</summary>
/// <remarks>Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, arXiv:1608.03983.</remarks>
[Component("CosineRestartLr")]
public sealed class CosineRestartLr(CosineRestartLrOptions options) : Schedule
{
    public override double Rate(double baseRate, PhaseStep at)
    {
        var (step, period) = (at.Step, (double)options.Period);
        if (options.Mult == 1)
            step %= period;
        while (step >= period)
        {
            step -= period;
            period *= options.Mult;
        }
        var minimum = Math.Min(options.MinLr, baseRate);
        return minimum + (baseRate - minimum) * (1 + Math.Cos(Math.PI * step / period)) / 2;
    }
}
