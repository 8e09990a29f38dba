namespace Tessera.Tests.Models.Losses.Contrast;

/// <summary>
/// Equation 3 of Wang et al., arXiv:2101.11939, as a double loop: for an anchor i, the mean over its positives p of
/// -log(exp(i·p/τ) / (exp(i·p/τ) + Σ over its negatives n of exp(i·n/τ))).
/// </summary>
internal sealed record BruteForce(double Temperature, double BaseTemperature)
{
    /// <summary>Only the harder half of an anchor's positives and of its negatives counts.</summary>
    public bool HardestHalf { get; init; }

    /// <param name="anchors">Embeddings; every one is an anchor.</param>
    /// <param name="classes">Of the anchors.</param>
    /// <param name="images">Of the anchors: those of a class in an image weigh 1 together.</param>
    /// <param name="stored">Rows of a memory, which are no anchors.</param>
    /// <param name="withBatch">Whether anchors are compared with one another, too.</param>
    public double Value(double[][] anchors, int[] classes, int[] images, double[][] stored, int[] storedClasses, bool withBatch = true)
    {
        double sum = 0,
            weights = 0;
        var rows = anchors.Concat(stored).ToArray();
        for (var i = 0; i < anchors.Length; i++)
        {
            var (positives, negatives) = (new List<int>(), new List<int>());
            for (var j = withBatch ? 0 : anchors.Length; j < rows.Length; j++)
            {
                if (j == i)
                    continue;
                var other = j < anchors.Length ? classes[j] : storedClasses[j - anchors.Length];
                (other == classes[i] ? positives : negatives).Add(j);
            }
            if (positives.Count == 0)
                continue;
            var similarity = rows.Select(row => anchors[i].Zip(row, (a, b) => a * b).Sum()).ToArray();
            var (p, n) = (positives, negatives);
            if (HardestHalf)
                (p, n) = (Hardest(similarity, positives, -1), Hardest(similarity, negatives, 1));

            var rest = 0.0;
            foreach (var j in n)
                rest += Math.Exp(similarity[j] / Temperature);
            var term = 0.0;
            foreach (var j in p)
            {
                var e = Math.Exp(similarity[j] / Temperature);
                term -= Math.Log(e / (e + rest));
            }
            var weight = 1.0 / classes.Where((c, j) => c == classes[i] && images[j] == images[i]).Count();
            sum += weight * term / p.Count;
            weights += weight;
        }
        return weights == 0 ? 0 : Temperature / BaseTemperature * sum / weights;
    }

    /// <summary>The derivative by each value of each anchor, by central differences.</summary>
    public double[] Gradient(double[][] anchors, Func<double[][], double> value)
    {
        const double step = 1e-5;
        var gradient = new List<double>();
        foreach (var row in anchors)
        {
            for (var d = 0; d < row.Length; d++)
            {
                var kept = row[d];
                row[d] = kept + step;
                var above = value(anchors);
                row[d] = kept - step;
                var below = value(anchors);
                row[d] = kept;
                gradient.Add((above - below) / (2 * step));
            }
        }
        return [.. gradient];
    }

    private static List<int> Hardest(double[] similarity, List<int> pairs, int sign) =>
        [.. pairs.OrderByDescending(j => sign * similarity[j]).Take((pairs.Count + 1) / 2)];
}
