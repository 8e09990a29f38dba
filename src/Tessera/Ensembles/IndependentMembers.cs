namespace Tessera.Ensembles;

/// <summary>What an ensemble would gain by theory, to compare with what it gains.</summary>
public static class IndependentMembers
{
    /// <summary>How often a majority is right where the members are right independently of each other (Condorcet). Of an even number, half
    /// of the ties count.</summary>
    /// <param name="accuracies">Of each member, in [0, 1].</param>
    public static double Majority(IReadOnlyList<double> accuracies)
    {
        // chance[k]: that k of the members so far are right
        var chance = new double[accuracies.Count + 1];
        chance[0] = 1;
        for (var m = 0; m < accuracies.Count; m++)
        for (var k = m + 1; k >= 0; k--)
            chance[k] = (chance[k] * (1 - accuracies[m])) + (k > 0 ? chance[k - 1] * accuracies[m] : 0);
        return chance
            .Select(
                (p, k) =>
                    2 * k > accuracies.Count ? p
                    : 2 * k == accuracies.Count ? p / 2
                    : 0
            )
            .Sum();
    }

    /// <summary>The variance of the mean of values of equal variance, all pairs correlated alike: σ²(ρ + (1 - ρ) / m).</summary>
    public static double VarianceOfMean(double variance, double correlation, int members) =>
        variance * (correlation + ((1 - correlation) / members));
}
