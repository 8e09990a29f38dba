using MathNet.Numerics.Distributions;

namespace Tessera.Framework.Metrics.Statistics;

/// <summary>The mean of several runs' values, how far they scatter, and where the mean of all such runs is to be expected.</summary>
/// <remarks>Student, "The Probable Error of a Mean", Biometrika 6, 1908. The interval takes the runs to be independent: those of several
/// seeds are, those of several folds share training data, so that theirs is narrower than it should be.</remarks>
/// <param name="Mean">NaN without values.</param>
/// <param name="Deviation">The sample's standard deviation, divided by n − 1; NaN below two values.</param>
/// <param name="Interval">The 95 % t interval of the mean; null below <see cref="FewestRuns"/> values.</param>
/// <param name="Count">How many values.</param>
public sealed record MeanInterval(double Mean, double Deviation, (double Low, double High)? Interval, int Count)
{
    /// <summary>With fewer values than this the interval would say nothing: of two it is 12.7 standard errors wide to each side.</summary>
    public const int FewestRuns = 3;

    private const double UpperQuantile = 0.975;

    /// <param name="values">One of each run; a value that is not finite makes the mean and all that follows from it NaN.</param>
    public static MeanInterval Of(IReadOnlyCollection<double> values)
    {
        var count = values.Count;
        if (count == 0)
            return new MeanInterval(double.NaN, double.NaN, null, 0);
        var mean = values.Sum() / count;
        if (!double.IsFinite(mean))
            return new MeanInterval(double.NaN, double.NaN, null, count);
        var deviation = count < 2 ? double.NaN : Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (count - 1));
        if (count < FewestRuns)
            return new MeanInterval(mean, deviation, null, count);
        var half = StudentT.InvCDF(0, 1, count - 1, UpperQuantile) * deviation / Math.Sqrt(count);
        return new MeanInterval(mean, deviation, (mean - half, mean + half), count);
    }
}
