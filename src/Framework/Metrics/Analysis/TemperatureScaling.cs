namespace Tessera.Framework.Metrics.Analysis;

/// <summary>Makes probabilities more or less sure by one number, the temperature, by which the logits are divided; the order of the
/// classes stays.</summary>
/// <remarks>Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017, arXiv:1706.04599. Of stored
/// probabilities the logarithms take the logits' place: they differ by a constant, which the softmax doesn't see.</remarks>
public static class TemperatureScaling
{
    /// <summary>The bounds of what <see cref="Fit"/> finds: predictions that are all right, or all wrong, would have none.</summary>
    public const double Lowest = 0.01,
        Highest = 100;

    /// <summary>The temperature under which the truth is most likely.</summary>
    /// <param name="probabilities">Of each prediction, one for each class.</param>
    /// <param name="labels">The true class of each.</param>
    /// <returns>Above 1: the probabilities are too sure.</returns>
    public static double Fit(IReadOnlyList<IReadOnlyList<double>> probabilities, IReadOnlyList<int> labels)
    {
        var logits = probabilities.Select(Logarithms).ToArray();
        // The likelihood is concave in 1 / T: its derivative falls, and is 0 at the best.
        var (low, high) = (Math.Log(1 / Highest), Math.Log(1 / Lowest));
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            if (Slope(Math.Exp(middle)) >= 0)
                low = middle;
            else
                high = middle;
        }
        return Math.Exp(-(low + high) / 2);

        double Slope(double sharpness) =>
            logits
                .Select(
                    (row, i) =>
                    {
                        var scaled = Softmax(row, sharpness);
                        return row[labels[i]] - row.Zip(scaled, (logit, p) => logit * p).Sum();
                    }
                )
                .Sum();
    }

    /// <summary>Probabilities at a temperature.</summary>
    public static double[] Apply(IReadOnlyList<double> probabilities, double temperature) =>
        Softmax(Logarithms(probabilities), 1 / temperature);

    private static double[] Logarithms(IReadOnlyList<double> row) => [.. row.Select(p => Math.Log(Math.Max(p, Calibration.Tiny)))];

    private static double[] Softmax(double[] logits, double sharpness)
    {
        var most = logits.Max();
        var powers = Array.ConvertAll(logits, logit => Math.Exp((logit - most) * sharpness));
        var sum = powers.Sum();
        return Array.ConvertAll(powers, power => power / sum);
    }
}
