using Tessera.Framework.Data;

namespace Tessera.Datasets.Splitting;

/// <summary>Deals units of several labels out, the rarest label first, each to the part that lacks most of it.</summary>
/// <remarks>Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011, algorithm 1. Units of several
/// samples are dealt out largest first.</remarks>
internal static class IterativeStratification
{
    private const double Tie = 1e-9;

    /// <summary>Puts every unit into a part.</summary>
    public static void Deal(SplitBalance balance, RandomSource random)
    {
        var units = balance.Units;
        var left = units.Holders.ToArray();
        var holders = new List<int>[units.SizeRow];
        for (var label = 0; label < holders.Length; label++)
            holders[label] = new(units.Holders[label]);
        // One random order for all labels; of equal size, the first in it comes first.
        var order = random.Permutation(units.Count).OrderByDescending(unit => units.Members[unit].Length).ToArray();
        foreach (var unit in order)
        foreach (var (label, _) in units.Labels[unit])
            if (label != units.SizeRow)
                holders[label].Add(unit);
        var ties = random.Permutation(units.SizeRow);

        while (Rarest(left, ties) is >= 0 and var rarest)
        {
            foreach (var unit in holders[rarest])
                Place(unit, rarest);
        }
        foreach (var unit in order)
            Place(unit, units.SizeRow); // those without a label

        void Place(int unit, int label)
        {
            if (balance.PartOf[unit] >= 0)
                return;
            balance.Move(unit, Hungriest(balance, label, random));
            foreach (var (of, _) in units.Labels[unit])
                left[of]--;
        }
    }

    private static int Rarest(int[] left, int[] ties)
    {
        var rarest = -1;
        for (var label = 0; label < ties.Length; label++)
            if (left[label] > 0 && (rarest < 0 || (left[label], ties[label]).CompareTo((left[rarest], ties[rarest])) < 0))
                rarest = label;
        return rarest;
    }

    /// <summary>The part that lacks most of a label; of several, the one that lacks most samples; of several, any.</summary>
    private static int Hungriest(SplitBalance balance, int label, RandomSource random)
    {
        var (best, equals) = (0, 1);
        for (var part = 1; part < balance.Parts; part++)
        {
            var more = Compare(Lack(label, part), Lack(label, best));
            if (more == 0)
                more = Compare(Lack(balance.Units.SizeRow, part), Lack(balance.Units.SizeRow, best));
            if (more > 0)
                (best, equals) = (part, 1);
            else if (more == 0 && random.Next(++equals) == 0)
                best = part;
        }
        return best;

        double Lack(int row, int part) => balance.Wished(row, part) - balance.Samples(row, part);

        static int Compare(double a, double b) => Math.Abs(a - b) <= Tie ? 0 : a.CompareTo(b);
    }
}
