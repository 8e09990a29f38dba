namespace Tessera.Ensembles;

/// <summary>How often two models are right together, and what follows for an ensemble of them.</summary>
/// <remarks>
/// Kuncheva and Whitaker, "Measures of diversity in classifier ensembles and their relationship with the ensemble accuracy", Machine
/// Learning 51, 2003. What is undefined (0 / 0, such as a correlation where one of the two is always right) is NaN.
/// </remarks>
/// <param name="Both">N11: both are right.</param>
/// <param name="Neither">N00: neither is.</param>
/// <param name="First">N10: the first alone.</param>
/// <param name="Second">N01: the second alone.</param>
public readonly record struct PairCounts(long Both, long Neither, long First, long Second)
{
    /// <summary>All of them.</summary>
    public long Total => Both + Neither + First + Second;

    /// <summary>Yule's Q, in [-1, 1]: 0 where they are right independently, below where they err on different things.</summary>
    public double Q => Ratio(Cross, ((double)Both * Neither) + ((double)First * Second));

    /// <summary>The correlation of being right (phi), in [-1, 1].</summary>
    public double Correlation =>
        Ratio(Cross, Math.Sqrt((double)(Both + First) * (Second + Neither)) * Math.Sqrt((double)(Both + Second) * (First + Neither)));

    /// <summary>How often just one of them is right.</summary>
    public double Disagreement => Ratio(First + Second, Total);

    /// <summary>How often both are wrong: no vote of the two can mend it.</summary>
    public double DoubleFault => Ratio(Neither, Total);

    /// <summary>Cohen's kappa of being right: agreement beyond what chance gives at these accuracies.</summary>
    public double Kappa
    {
        get
        {
            double total = Total;
            var chance = ((double)(Both + First) * (Both + Second) + ((double)(Second + Neither) * (First + Neither))) / (total * total);
            return Ratio(((Both + Neither) / total) - chance, 1 - chance);
        }
    }

    private double Cross => ((double)Both * Neither) - ((double)First * Second);

    /// <summary>Counts two models' rights.</summary>
    /// <param name="first">Whether the first is right, for each case.</param>
    /// <param name="second">The same of the second.</param>
    public static PairCounts Of(ReadOnlySpan<bool> first, ReadOnlySpan<bool> second)
    {
        if (first.Length != second.Length)
            throw new ArgumentException($"{first.Length} cases of the first, {second.Length} of the second.", nameof(second));
        long both = 0,
            neither = 0,
            one = 0,
            other = 0;
        for (var i = 0; i < first.Length; i++)
            switch (first[i], second[i])
            {
                case (true, true):
                    both++;
                    break;
                case (false, false):
                    neither++;
                    break;
                case (true, false):
                    one++;
                    break;
                default:
                    other++;
                    break;
            }
        return new PairCounts(both, neither, one, other);
    }

    /// <summary>The counts of two sets of cases together.</summary>
    public static PairCounts operator +(PairCounts a, PairCounts b) =>
        new(a.Both + b.Both, a.Neither + b.Neither, a.First + b.First, a.Second + b.Second);

    private static double Ratio(double part, double whole) => whole == 0 ? double.NaN : part / whole;
}
