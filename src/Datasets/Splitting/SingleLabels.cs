using Tessera.Framework.Data;

namespace Tessera.Datasets.Splitting;

/// <summary>Splits samples with one class each. Every class's count in a part is its wished count, rounded down or up; what rounding leaves
/// goes where most lack over all classes, so that equal parts differ by one sample at most. A class of as many samples as parts is in each
/// of them.</summary>
internal static class SingleLabels
{
    /// <returns>The part of each sample.</returns>
    public static int[] Split(Strata strata, IReadOnlyList<double> shares, bool fillsFirst, RandomSource random)
    {
        var partOf = new int[strata.Count];
        var lacking = new double[shares.Count]; // over the classes dealt so far: wished less given
        foreach (var members in Enumerable.Range(0, strata.Count).GroupBy(i => strata.Labels[i][0]).OrderBy(of => of.Key))
        {
            var samples = members.ToArray();
            var counts = Counts(samples.Length, shares, lacking, fillsFirst, random);
            var (order, next) = (random.Permutation(samples.Length), 0);
            for (var part = 0; part < counts.Length; part++)
            {
                lacking[part] += shares[part] * samples.Length - counts[part];
                for (var i = 0; i < counts[part]; i++)
                    partOf[samples[order[next++]]] = part;
            }
        }
        return partOf;
    }

    private static int[] Counts(int total, IReadOnlyList<double> shares, double[] lacking, bool fillsFirst, RandomSource random)
    {
        var counts = new int[shares.Count];
        if (total < shares.Count && fillsFirst)
        {
            counts.AsSpan(0, total).Fill(1);
            return counts;
        }
        var least = total >= shares.Count ? 1 : 0;
        // A share such as 0.29 of 100 is 28.999…: what is meant is 29.
        for (var part = 0; part < counts.Length; part++)
            counts[part] = Math.Max(least, (int)Math.Floor(shares[part] * total + 1e-9));
        while (counts.Sum() > total)
            counts[Enumerable.Range(0, counts.Length).Where(part => counts[part] > 1).MaxBy(part => counts[part] - shares[part] * total)]--;
        var ties = random.Permutation(counts.Length);
        var rest = Enumerable
            .Range(0, counts.Length)
            .Where(part => counts[part] < shares[part] * total - 1e-9)
            .OrderByDescending(part => Math.Round(lacking[part] + shares[part] * total - counts[part], 6))
            .ThenBy(part => ties[part])
            .Take(total - counts.Sum())
            .ToArray();
        foreach (var part in rest)
            counts[part]++;
        return counts;
    }
}
