namespace Tessera.Framework.Metrics.Statistics;

/// <summary>Whether few runs in pairs differ, by the ranks of their differences: it asks nothing of how they scatter, and for fewer than
/// six pairs never gives less than 0.0625.</summary>
/// <remarks>Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1, 1945; exact, over all signs. Differences of 0 are
/// left out, equal ones share their mean rank.</remarks>
public static class Wilcoxon
{
    /// <summary>So many pairs are counted out at most.</summary>
    public const int MostPairs = 1000;

    /// <summary>The smaller of the two sums of ranks, and how likely so small a one is where differences are as likely to be above 0 as
    /// below.</summary>
    /// <param name="differences">One of each pair, finite.</param>
    /// <returns>P is 1 where no pair differs.</returns>
    public static (double Statistic, double PValue) Test(IReadOnlyCollection<double> differences)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(differences.Count, MostPairs, nameof(differences));
        double[] sorted = [.. differences.Where(value => value != 0).OrderBy(Math.Abs)];
        var doubled = DoubledRanks(sorted); // whole numbers
        var positive = sorted.Select((value, i) => value > 0 ? doubled[i] : 0).Sum();
        var least = Math.Min(positive, doubled.Sum() - positive);
        // ways[s]: the share of all choices of signs whose positive ranks sum to s
        var ways = new double[doubled.Sum() + 1];
        ways[0] = 1;
        foreach (var rank in doubled)
            for (var sum = ways.Length - 1; sum >= 0; sum--)
                ways[sum] = 0.5 * (ways[sum] + (sum >= rank ? ways[sum - rank] : 0));
        return (least / 2.0, Math.Min(1, 2 * ways.Take(least + 1).Sum()));
    }

    private static int[] DoubledRanks(double[] sorted)
    {
        var ranks = new int[sorted.Length];
        for (var start = 0; start < sorted.Length; )
        {
            var end = start;
            while (end < sorted.Length && Math.Abs(sorted[end]) == Math.Abs(sorted[start]))
                end++;
            Array.Fill(ranks, start + end + 1, start, end - start); // twice the mean of start + 1 … end
            start = end;
        }
        return ranks;
    }
}
