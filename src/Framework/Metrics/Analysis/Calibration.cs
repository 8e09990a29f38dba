namespace Tessera.Framework.Metrics.Analysis;

/// <summary>The predictions that are about as sure as each other.</summary>
/// <param name="Low">Probabilities above this …</param>
/// <param name="High">… up to this.</param>
/// <param name="Count">How many.</param>
/// <param name="Confidence">Their mean probability; NaN where there are none.</param>
/// <param name="Accuracy">How many of them are right, as a share; NaN where there are none.</param>
public sealed record ReliabilityBin(double Low, double High, long Count, double Confidence, double Accuracy);

/// <summary>Whether probabilities are what they say.</summary>
/// <param name="Ece">Expected calibration error: the mean distance of confidence and accuracy over the predictions, bin by bin.</param>
/// <param name="Mce">The greatest distance of a bin.</param>
/// <param name="Brier">The mean squared distance of the probabilities from the truth, summed over classes.</param>
/// <param name="Nll">The mean negative log probability of the truth, in nats.</param>
/// <param name="Bins">From low to high.</param>
public sealed record CalibrationResult(double Ece, double Mce, double Brier, double Nll, IReadOnlyList<ReliabilityBin> Bins);

/// <summary>Measures how far a classifier's probabilities can be believed.</summary>
/// <remarks>Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017, arXiv:1706.04599: bins of equal
/// width.</remarks>
public static class Calibration
{
    /// <summary>The least probability that a logarithm is taken of.</summary>
    internal const double Tiny = 1e-38;

    /// <param name="probabilities">Of each prediction, one for each class.</param>
    /// <param name="labels">The true class of each.</param>
    /// <param name="bins">How many, of equal width.</param>
    /// <param name="of">The class whose probability is judged; null: the most probable one of each prediction.</param>
    /// <exception cref="ArgumentException">There is no prediction, or not as many labels.</exception>
    public static CalibrationResult Of(
        IReadOnlyList<IReadOnlyList<double>> probabilities,
        IReadOnlyList<int> labels,
        int bins = 15,
        int? of = null
    )
    {
        if (labels.Count == 0 || labels.Count != probabilities.Count)
            throw new ArgumentException($"{probabilities.Count} predictions and {labels.Count} labels.", nameof(labels));
        var (counts, sums, right) = (new long[bins], new double[bins], new long[bins]);
        var (brier, nll) = (0.0, 0.0);
        for (var i = 0; i < labels.Count; i++)
        {
            var row = probabilities[i];
            var judged = of ?? Best(row);
            var bin = Math.Clamp((int)Math.Ceiling(row[judged] * bins) - 1, 0, bins - 1);
            counts[bin]++;
            sums[bin] += row[judged];
            if (labels[i] == judged)
                right[bin]++;
            for (var c = 0; c < row.Count; c++)
                brier += Math.Pow(row[c] - (c == labels[i] ? 1 : 0), 2);
            nll -= Math.Log(Math.Max(row[labels[i]], Tiny));
        }
        var found = Enumerable
            .Range(0, bins)
            .Select(b => new ReliabilityBin(
                (double)b / bins,
                (b + 1.0) / bins,
                counts[b],
                counts[b] == 0 ? double.NaN : sums[b] / counts[b],
                counts[b] == 0 ? double.NaN : (double)right[b] / counts[b]
            ))
            .ToArray();
        var filled = found.Where(bin => bin.Count > 0).ToArray();
        return new CalibrationResult(
            filled.Sum(bin => bin.Count * Math.Abs(bin.Confidence - bin.Accuracy)) / labels.Count,
            filled.Max(bin => Math.Abs(bin.Confidence - bin.Accuracy)),
            brier / labels.Count,
            nll / labels.Count,
            found
        );
    }

    private static int Best(IReadOnlyList<double> row)
    {
        var best = 0;
        for (var c = 1; c < row.Count; c++)
            if (row[c] > row[best])
                best = c;
        return best;
    }
}
