namespace Tessera.Framework.Metrics.Statistics;

/// <summary>How two models differ in a value over the same images, and how the difference changes where the images are drawn
/// anew.</summary>
/// <remarks>Both are measured on the same drawing each time, so that what makes an image hard for both does not widen the interval.
/// Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 16.</remarks>
public sealed class DrawnDifference
{
    private readonly List<double> _draws;

    private DrawnDifference(double first, double second, List<double> draws) => (First, Second, _draws) = (first, second, draws);

    /// <summary>The first model's value over all images.</summary>
    public double First { get; }

    /// <summary>The second one's.</summary>
    public double Second { get; }

    /// <summary>Second less first.</summary>
    public double Difference => Second - First;

    /// <summary>The 95 % interval of the difference: the 2.5 and 97.5 percentiles; NaN where it is never defined.</summary>
    public (double Low, double High) Interval => Bootstrap.Interval(_draws);

    /// <summary>Two-sided: twice the share of drawings on the smaller side of a difference; NaN where the difference is never
    /// defined.</summary>
    public double PValue(double difference = 0)
    {
        if (_draws.Count == 0)
            return double.NaN;
        var (below, above) = (_draws.Count(value => value <= difference), _draws.Count(value => value >= difference));
        return Math.Min(1, 2.0 * (1 + Math.Min(below, above)) / (1 + _draws.Count));
    }

    /// <param name="first">The first model's images.</param>
    /// <param name="second">The second one's, the same and in the same order.</param>
    /// <param name="repetitions">How often they are drawn.</param>
    /// <param name="advance">Told after each drawing how many there were.</param>
    public static DrawnDifference Of(MeasuredImages first, MeasuredImages second, int repetitions, long seed, Action<int>? advance = null)
    {
        if (first.Count != second.Count)
            throw new ArgumentException($"The first has {first.Count} images, the second {second.Count}.", nameof(second));
        var (a, b) = (first.OfAll(), second.OfAll());
        var done = 0;
        var draws = Bootstrap.Draws(
            first.Count,
            repetitions,
            seed,
            1,
            (drawn, values) =>
            {
                values[0] = second.Of(drawn) - first.Of(drawn);
                advance?.Invoke(++done);
            }
        );
        return new DrawnDifference(a, b, draws[0]);
    }
}
