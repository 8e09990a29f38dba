namespace Tessera.Datasets.Loading;

/// <summary>One process's samples of an epoch, in order.</summary>
/// <param name="Indices">Into the data set.</param>
/// <param name="Occurrences">[as many], how often the index came before in the whole epoch, on whichever process: each time it is augmented
/// differently.</param>
internal sealed record RankOrder(int[] Indices, int[] Occurrences)
{
    /// <inheritdoc cref="Ranks.Share"/>
    public static RankOrder Of(IReadOnlyList<int> order, int rank, int worldSize, bool even, bool cut) =>
        new(Ranks.Share(order, rank, worldSize, even, cut), Ranks.Share(Count(order), rank, worldSize, even, cut));

    private static int[] Count(IReadOnlyList<int> order)
    {
        var seen = new Dictionary<int, int>(order.Count);
        var occurrences = new int[order.Count];
        for (var i = 0; i < occurrences.Length; i++)
        {
            seen.TryGetValue(order[i], out occurrences[i]);
            seen[order[i]] = occurrences[i] + 1;
        }
        return occurrences;
    }
}
