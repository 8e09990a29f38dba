using MathNet.Numerics.Distributions;

namespace Tessera.Framework.Metrics.Statistics;

/// <summary>Whether runs in pairs, one of each method on the same seed or fold, differ by more than they scatter.</summary>
/// <param name="Mean">Of the differences.</param>
/// <param name="StandardError">Of that mean.</param>
/// <param name="Freedom">Degrees of freedom, pairs − 1; less than 1 where there is no pair but one.</param>
public sealed record PairedTTest(double Mean, double StandardError, int Freedom)
{
    /// <summary>Runs of several seeds: independent of one another.</summary>
    /// <remarks>Student, "The Probable Error of a Mean", Biometrika 6, 1908.</remarks>
    /// <param name="differences">One of each pair.</param>
    public static PairedTTest OfSeeds(IReadOnlyCollection<double> differences) => Of(differences, 0);

    /// <summary>Runs of several folds, or of repeated ones: they share training data, so that they scatter less than independent runs
    /// would, and t is taken smaller for it.</summary>
    /// <remarks>
    /// Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003: the variance of the mean is taken as
    /// (1/n + n_test/n_train) s². Of repeated folds: Bouckaert and Frank, PAKDD 2004.
    /// </remarks>
    /// <param name="differences">One of each pair.</param>
    /// <param name="testShare">Samples measured over samples trained on: 1/4 of five folds.</param>
    public static PairedTTest OfFolds(IReadOnlyCollection<double> differences, double testShare)
    {
        if (!(testShare > 0 && double.IsFinite(testShare)))
            throw new ArgumentOutOfRangeException(nameof(testShare), testShare, "The share of samples measured is above 0.");
        return Of(differences, testShare);
    }

    /// <summary>How many standard errors the mean lies above a difference; infinite where the differences are all the same and
    /// another.</summary>
    public double T(double difference = 0) =>
        Mean == difference ? 0
        : StandardError == 0 ? (Mean > difference ? double.PositiveInfinity : double.NegativeInfinity)
        : (Mean - difference) / StandardError;

    /// <summary>Two-sided: how likely so large a t is where the true difference is the one given; NaN below two pairs.</summary>
    public double PValue(double difference = 0) =>
        Freedom < 1 ? double.NaN
        : double.IsInfinity(T(difference)) ? 0
        : 2 * StudentT.CDF(0, 1, Freedom, -Math.Abs(T(difference)));

    /// <summary>The 95 % interval of the difference; null below <see cref="MeanInterval.FewestRuns"/> pairs.</summary>
    public (double Low, double High)? Interval
    {
        get
        {
            if (Freedom + 1 < MeanInterval.FewestRuns)
                return null;
            var half = StudentT.InvCDF(0, 1, Freedom, 0.975) * StandardError;
            return (Mean - half, Mean + half);
        }
    }

    private static PairedTTest Of(IReadOnlyCollection<double> differences, double shared)
    {
        var found = MeanInterval.Of(differences);
        var variance = (1.0 / found.Count) + shared;
        return new PairedTTest(found.Mean, Math.Sqrt(variance) * found.Deviation, found.Count - 1);
    }
}
