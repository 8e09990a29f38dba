namespace Tessera.Datasets.Splitting;

/// <summary>A label of a unit, and how many of the unit's samples have it.</summary>
internal readonly record struct UnitLabel(int Label, int Count);

/// <summary>What is dealt out as a whole: a sample, or a group of them.</summary>
internal sealed class SplitUnits
{
    public SplitUnits(Strata strata, IReadOnlyList<int>? groups)
    {
        Strata = strata;
        Members = groups is null
            ? [.. Enumerable.Range(0, strata.Count).Select(i => (int[])[i])]
            : [.. Enumerable.Range(0, strata.Count).GroupBy(i => groups[i]).Select(group => group.ToArray())];
        Labels = Array.ConvertAll(
            Members,
            members =>
                (UnitLabel[])
                    [
                        .. members
                            .SelectMany(i => strata.Labels[i])
                            .GroupBy(label => label)
                            .OrderBy(label => label.Key)
                            .Select(label => new UnitLabel(label.Key, label.Count())),
                        new UnitLabel(SizeRow, members.Length),
                    ]
        );
        (Totals, Holders) = (new int[SizeRow + 1], new int[SizeRow + 1]);
        foreach (var (label, count) in Labels.SelectMany(labels => labels))
        {
            Totals[label] += count;
            Holders[label]++;
        }
    }

    public Strata Strata { get; }

    public int Count => Members.Length;

    /// <summary>Behind the labels: one that every sample has, so that the parts' sizes are kept in balance as labels are.</summary>
    public int SizeRow => Strata.Names.Count;

    /// <summary>The samples of each unit.</summary>
    public int[][] Members { get; }

    /// <summary>The labels of each unit, the size among them.</summary>
    public UnitLabel[][] Labels { get; }

    /// <summary>Samples of each label.</summary>
    public int[] Totals { get; }

    /// <summary>Units of each label.</summary>
    public int[] Holders { get; }
}
