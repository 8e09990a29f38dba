using System.Collections.Concurrent;

namespace Tessera.Tools.Statistics;

/// <summary>Two images that show the same, or nearly.</summary>
/// <param name="First">Place in the list that was searched; less than <paramref name="Second"/>.</param>
/// <param name="Exact">Byte for byte.</param>
/// <param name="Similarity">Correlation of the thumbnails.</param>
internal sealed record DuplicatePair(int First, int Second, bool Exact, double Similarity);

/// <summary>Finds images that show the same.</summary>
internal static class Duplicates
{
    /// <summary>Differing bits at which a pair is still looked at. The hash is cut into one more piece than that, so one piece of a pair is
    /// equal.</summary>
    public const int MostDistance = 7;

    /// <summary>Correlation of the thumbnails above which it is a pair.</summary>
    public const double LeastSimilarity = 0.97;

    /// <summary>Beyond, counting more would tell nothing.</summary>
    public const int MostPairs = 1_000_000;

    private const int Pieces = MostDistance + 1,
        PieceBits = 128 / Pieces;

    /// <summary>Every pair within <see cref="MostDistance"/> bits whose thumbnails agree; exact ones first, then the most
    /// similar.</summary>
    /// <param name="prints">null where an image could not be read.</param>
    public static IReadOnlyList<DuplicatePair> Find(IReadOnlyList<Fingerprint?> prints)
    {
        var found = new ConcurrentBag<DuplicatePair>();
        var count = 0;
        for (var piece = 0; piece < Pieces; piece++)
        {
            var at = piece;
            var groups = Enumerable
                .Range(0, prints.Count)
                .Where(i => prints[i] is not null)
                .GroupBy(i => Piece(prints[i]!, at))
                .Where(group => group.Skip(1).Any())
                .Select(group => group.ToArray());
            Parallel.ForEach(
                groups,
                group =>
                {
                    for (var i = 0; i < group.Length; i++)
                    for (var j = i + 1; j < group.Length; j++)
                    {
                        var (first, second) = (prints[group[i]]!, prints[group[j]]!);
                        if (first.Distance(second) > MostDistance || FoundBefore(first, second, at))
                            continue;
                        var exact = first.Exact == second.Exact;
                        var similarity = exact ? 1 : first.Similarity(second);
                        if (similarity < LeastSimilarity)
                            continue;
                        if (Interlocked.Increment(ref count) > MostPairs)
                            return;
                        found.Add(new(group[i], group[j], exact, similarity));
                    }
                }
            );
        }
        return
        [
            .. found
                .OrderByDescending(pair => pair.Exact)
                .ThenByDescending(pair => pair.Similarity)
                .ThenBy(pair => pair.First)
                .ThenBy(pair => pair.Second),
        ];
    }

    /// <summary>Sets of images that hang together by pairs: how many there are, and how large the largest is.</summary>
    public static (int Groups, int Largest) Group(IEnumerable<DuplicatePair> pairs)
    {
        var parents = new Dictionary<int, int>();
        foreach (var pair in pairs)
        {
            var (first, second) = (Root(pair.First), Root(pair.Second));
            if (first != second)
                parents[first] = second;
        }
        var sizes = parents.Keys.ToArray().GroupBy(Root).Select(group => group.Count()).ToArray();
        return (sizes.Length, sizes.DefaultIfEmpty().Max());

        int Root(int item)
        {
            if (!parents.TryGetValue(item, out var parent))
            {
                parents[item] = item;
                return item;
            }
            while (parent != item)
            {
                var above = parents[parent];
                parents[item] = above;
                (item, parent) = (above, parents[above]);
            }
            return item;
        }
    }

    private static bool FoundBefore(Fingerprint first, Fingerprint second, int piece)
    {
        for (var earlier = 0; earlier < piece; earlier++)
            if (Piece(first, earlier) == Piece(second, earlier))
                return true;
        return false;
    }

    private static ushort Piece(Fingerprint print, int piece) =>
        (ushort)((piece < Pieces / 2 ? print.Columns : print.Rows) >> piece % (Pieces / 2) * PieceBits);
}
