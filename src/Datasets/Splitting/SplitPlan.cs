using Tessera.Framework.Data;

namespace Tessera.Datasets.Splitting;

/// <summary>Which part, or which fold, each sample of a data set is in. Each label's samples are spread over the parts by their shares:
/// samples of one class each exactly, to within one sample; samples of several labels, and groups, by iterative stratification and a
/// search after it.</summary>
/// <remarks>Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011. The same strata, parts, groups
/// and seed give the same plan.</remarks>
public sealed class SplitPlan
{
    private readonly int[] _partOf;
    private readonly int[,] _counts;
    private readonly int[] _holders;

    private SplitPlan(Strata strata, IReadOnlyList<SplitPart> parts, int[] partOf, int[] holders)
    {
        (Strata, Parts, _partOf, _holders) = (strata, parts, partOf, holders);
        _counts = new int[strata.Names.Count, parts.Count];
        for (var i = 0; i < partOf.Length; i++)
            foreach (var label in strata.Labels[i])
                _counts[label, partOf[i]]++;
    }

    /// <summary>What is kept in balance.</summary>
    public Strata Strata { get; }

    /// <summary>The parts; of folds, "fold-0", "fold-1" …</summary>
    public IReadOnlyList<SplitPart> Parts { get; }

    /// <summary>The part of each sample.</summary>
    public IReadOnlyList<int> PartOf => _partOf;

    /// <summary>Labels that a part has no sample of, by label; those that no sample has at all aren't among them.</summary>
    public IReadOnlyList<UnreachedPart> Unreached =>
        [
            .. from label in Enumerable.Range(0, Strata.Names.Count)
            where _holders[label] > 0
            from part in Enumerable.Range(0, Parts.Count)
            where _counts[label, part] == 0
            select new UnreachedPart(label, part, _holders[label] >= Parts.Count),
        ];

    /// <summary>Samples of a label in a part.</summary>
    public int CountOf(int label, int part) => _counts[label, part];

    /// <summary>The samples of a part, in rising order. Of folds: what the fold is evaluated on.</summary>
    public int[] IndicesOf(int part) => [.. Enumerable.Range(0, _partOf.Length).Where(i => _partOf[i] == part)];

    /// <summary>The samples of all other parts, in rising order. Of folds: what is trained on where the fold is evaluated.</summary>
    public int[] IndicesOutside(int part) => [.. Enumerable.Range(0, _partOf.Length).Where(i => _partOf[i] != part)];

    /// <summary>K folds of equal size, each label in equal shares in each. A label of at least K samples is in each fold, as far as the
    /// other labels of its samples allow.</summary>
    /// <param name="folds">K, at least 2.</param>
    /// <param name="seed">Another seed, another plan.</param>
    /// <param name="groups">A number for each sample; those of one number stay in one fold. null: each is its own.</param>
    /// <exception cref="UserErrorException">There are fewer samples, or groups, than folds.</exception>
    public static SplitPlan Folds(Strata strata, int folds, long seed, IReadOnlyList<int>? groups = null)
    {
        if (folds < 2)
            throw new UserErrorException($"{folds} folds: at least 2 were expected, one to evaluate on and one to train on.");
        return Split(strata, [.. Enumerable.Range(0, folds).Select(i => new SplitPart($"fold-{i}", 1.0 / folds))], seed, groups, false);
    }

    /// <summary>Folds by the classes that a data set's samples show.</summary>
    /// <exception cref="UserErrorException">There are fewer samples, or groups, than folds.</exception>
    public static SplitPlan Folds(Dataset dataset, int folds, long seed, IReadOnlyList<int>? groups = null) =>
        Folds(StrataReader.Of(dataset), folds, seed, groups);

    /// <summary>Parts of given shares. A label of at least as many samples as parts is in each; one of fewer goes to the first
    /// parts.</summary>
    /// <param name="parts">At least 2; the shares add up to 1.</param>
    /// <param name="seed">Another seed, another plan.</param>
    /// <param name="groups">A number for each sample; those of one number stay in one part. null: each is its own.</param>
    /// <exception cref="UserErrorException">There are fewer samples, or groups, than parts; or the shares are no shares.</exception>
    public static SplitPlan Of(Strata strata, IReadOnlyList<SplitPart> parts, long seed, IReadOnlyList<int>? groups = null) =>
        Split(strata, parts, seed, groups, true);

    private static SplitPlan Split(Strata strata, IReadOnlyList<SplitPart> parts, long seed, IReadOnlyList<int>? groups, bool fillsFirst)
    {
        RequireShares(parts);
        if (groups is not null && groups.Count != strata.Count)
            throw new ArgumentException($"{groups.Count} groups for {strata.Count} samples.", nameof(groups));
        var units = new SplitUnits(strata, groups);
        if (units.Count < parts.Count)
            throw new UserErrorException(
                $"{units.Count} {(groups is null ? "samples" : "groups")} can't be split into {parts.Count} parts: each needs one at least."
            );
        var shares = parts.Select(part => part.Share).ToArray();
        var random = RandomSource.For(seed, 0, 0);
        if (units.Count == strata.Count && strata.IsSingle)
        {
            var dealt = SingleLabels.Split(strata, shares, fillsFirst, random);
            if (parts.Count == dealt.Distinct().Count())
                return new(strata, parts, dealt, units.Holders);
        }
        var best = Search(units, shares, fillsFirst, random);
        var partOf = new int[strata.Count];
        for (var unit = 0; unit < units.Count; unit++)
            foreach (var sample in units.Members[unit])
                partOf[sample] = best.PartOf[unit];
        return new(strata, parts, partOf, units.Holders);
    }

    /// <summary>The best of several tries; few units take little time, and the order in which ties fall matters most for them.</summary>
    private static SplitBalance Search(SplitUnits units, double[] shares, bool fillsFirst, RandomSource random)
    {
        var tries =
            units.Count <= 64 ? 16
            : units.Count <= 512 ? 4
            : 1;
        SplitBalance? best = null;
        for (var i = 0; i < tries; i++)
        {
            var balance = new SplitBalance(units, shares, fillsFirst);
            IterativeStratification.Deal(balance, random);
            BalanceSearch.Improve(balance, random);
            if (best is null || balance.Cost.IsBelow(best.Cost))
                best = balance;
        }
        return best!;
    }

    private static void RequireShares(IReadOnlyList<SplitPart> parts)
    {
        if (parts.Count < 2)
            throw new UserErrorException($"{parts.Count} part: a split has at least 2.");
        foreach (var part in parts)
            if (!(part.Share is > 0 and < 1))
                throw new UserErrorException(
                    FormattableString.Invariant($"The part {part.Name} has the share {part.Share}; one between 0 and 1 was expected.")
                );
        if (
            parts.GroupBy(part => part.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(same => same.Count() > 1) is
            { Key: var twice }
        )
            throw new UserErrorException($"Two parts have the name {twice}.");
        var sum = parts.Sum(part => part.Share);
        var shares = string.Join(" + ", parts.Select(part => FormattableString.Invariant($"{part.Share}")));
        if (Math.Abs(sum - 1) > 1e-6)
            throw new UserErrorException(FormattableString.Invariant($"The shares {shares} add up to {sum:0.####}; 1 was expected."));
    }
}
