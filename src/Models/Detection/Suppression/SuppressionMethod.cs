namespace Tessera.Models.Detection.Suppression;

/// <summary>Boxes found, with scores and labels; in no promised order.</summary>
/// <param name="Corners">[N * 4], xyxy.</param>
/// <param name="Scores">[N].</param>
/// <param name="Labels">[N].</param>
public sealed record Candidates(float[] Corners, float[] Scores, int[] Labels)
{
    public int Count => Scores.Length;

    /// <summary>[N], which anchor each comes from, counted over all maps, (row, column, shape) in each; empty where it is not
    /// known.</summary>
    public int[] Anchors { get; init; } = [];
}

/// <summary>Of boxes that mean the same object, leaves the best. Boxes of different classes never touch each other.</summary>
[ComponentKind("nms")]
public abstract class SuppressionMethod
{
    private const uint SignBit = 0x80000000;

    /// <summary>What is left, best first; of equal scores the one that came first.</summary>
    /// <param name="limit">At most this many.</param>
    /// <returns>Indices into the candidates, and their scores (which a soft method lowers).</returns>
    public (int[] Kept, float[] Scores) Apply(Candidates candidates, int limit = int.MaxValue)
    {
        var order = ByScore(candidates.Scores);
        var kept = new List<(float Score, int Index)>();
        foreach (var group in ByLabel(order, candidates.Labels))
            Apply(candidates, group, kept);
        var keys = new ulong[kept.Count];
        for (var i = 0; i < keys.Length; i++)
            keys[i] = KeyOf(kept[i].Score, kept[i].Index);
        Array.Sort(keys);
        var count = Math.Min(limit, kept.Count);
        var (indices, scores) = (new int[count], new float[count]);
        for (var i = 0; i < count; i++)
            (scores[i], indices[i]) = (ScoreOf(keys[i]), IndexOf(keys[i]));
        return (indices, scores);
    }

    /// <param name="group">Candidates of one class, best first.</param>
    /// <param name="kept">Takes what is left.</param>
    protected abstract void Apply(Candidates candidates, ReadOnlySpan<int> group, List<(float Score, int Index)> kept);

    /// <summary>Indices of all that have a score, best first, equal ones in their order.</summary>
    private static int[] ByScore(float[] scores)
    {
        var keys = new ulong[scores.Length];
        var count = 0;
        for (var i = 0; i < scores.Length; i++)
        {
            if (float.IsNaN(scores[i]))
                continue;
            keys[count++] = KeyOf(scores[i], i);
        }
        Array.Sort(keys, 0, count);
        var order = new int[count];
        for (var i = 0; i < count; i++)
            order[i] = IndexOf(keys[i]);
        return order;
    }

    /// <summary>A number that rises as the score falls and, at equal scores, with the index: numbers sort much faster than pairs.</summary>
    private static ulong KeyOf(float score, int index)
    {
        var bits = BitConverter.SingleToUInt32Bits(score + 0f); // -0 is 0
        var rising = (bits & SignBit) != 0 ? ~bits : bits | SignBit;
        return ((ulong)~rising << 32) | (uint)index;
    }

    private static int IndexOf(ulong key) => (int)(uint)key;

    private static float ScoreOf(ulong key)
    {
        var rising = ~(uint)(key >> 32);
        return BitConverter.UInt32BitsToSingle((rising & SignBit) != 0 ? rising & ~SignBit : ~rising);
    }

    private static List<int[]> ByLabel(int[] order, int[] labels)
    {
        var counts = new Dictionary<int, int>();
        foreach (var i in order)
            counts[labels[i]] = counts.GetValueOrDefault(labels[i]) + 1;
        if (counts.Count == 1)
            return [order];
        var groups = counts.ToDictionary(pair => pair.Key, pair => (Items: new int[pair.Value], Filled: 0));
        foreach (var i in order)
        {
            ref var group = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrNullRef(groups, labels[i]);
            group.Items[group.Filled++] = i;
        }
        return [.. groups.OrderBy(pair => pair.Key).Select(pair => pair.Value.Items)];
    }
}
