namespace Tessera.Datasets.Loading;

/// <summary>Divides an epoch among processes.</summary>
public static class Ranks
{
    /// <summary>Every <paramref name="worldSize"/>-th sample, beginning with the <paramref name="rank"/>-th.</summary>
    /// <param name="even">All ranks get equally many: the order is filled up from its own beginning, or cut.</param>
    /// <param name="cut">Even by leaving out, not by filling up.</param>
    public static int[] Share(IReadOnlyList<int> order, int rank, int worldSize, bool even, bool cut)
    {
        var count = order.Count;
        if (even)
            count = (cut ? count : count + worldSize - 1) / worldSize * worldSize;
        var share = new int[Math.Max(0, (count - rank + worldSize - 1) / worldSize)];
        for (var i = 0; i < share.Length; i++)
            share[i] = order[(rank + i * worldSize) % order.Count];
        return share;
    }
}
