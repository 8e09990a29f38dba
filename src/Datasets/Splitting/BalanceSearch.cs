using Tessera.Framework.Data;

namespace Tessera.Datasets.Splitting;

/// <summary>Makes a split better by moving units and by exchanging two of them, as long as that helps. Iterative stratification looks at
/// one label at a time, so a part may lack a label that it could have, and sizes may be off.</summary>
internal static class BalanceSearch
{
    private const int AllPairsUpTo = 1500,
        TriedPartners = 64,
        MostRounds = 30;
    private const long MostTries = 20_000_000;

    public static void Improve(SplitBalance balance, RandomSource random)
    {
        var tries = 0L;
        for (var round = 0; round < MostRounds && tries < MostTries; round++)
        {
            var gained = Move(balance, random, ref tries);
            gained |= Exchange(balance, random, ref tries);
            if (!gained)
                break;
        }
    }

    private static bool Move(SplitBalance balance, RandomSource random, ref long tries)
    {
        var gained = false;
        foreach (var unit in random.Permutation(balance.Units.Count))
        {
            var (best, to) = (default(SplitCost), -1);
            for (var part = 0; part < balance.Parts; part++)
            {
                tries++;
                if (balance.ChangeOf(unit, part) is var change && change.IsBelow(best))
                    (best, to) = (change, part);
            }
            if (to < 0)
                continue;
            balance.Move(unit, to);
            gained = true;
        }
        return gained;
    }

    private static bool Exchange(SplitBalance balance, RandomSource random, ref long tries)
    {
        var gained = false;
        var count = balance.Units.Count;
        var order = random.Permutation(count);
        for (var i = 0; i < count && tries < MostTries; i++)
        {
            var partners = count <= AllPairsUpTo ? i : TriedPartners;
            for (var j = 0; j < partners; j++)
            {
                var other = count <= AllPairsUpTo ? order[j] : random.Next(count);
                tries += 3;
                gained |= Exchange(balance, order[i], other);
            }
        }
        return gained;
    }

    private static bool Exchange(SplitBalance balance, int first, int second)
    {
        var (a, b) = (balance.PartOf[first], balance.PartOf[second]);
        if (a == b)
            return false;
        var change = balance.ChangeOf(first, b);
        balance.Move(first, b);
        // The second's change depends on where the first is: they may share labels.
        if ((change + balance.ChangeOf(second, a)).IsGain)
        {
            balance.Move(second, a);
            return true;
        }
        balance.Move(first, a);
        return false;
    }
}
