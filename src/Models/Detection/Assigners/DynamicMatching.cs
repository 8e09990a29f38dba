namespace Tessera.Models.Detection.Assigners;

/// <summary>Every box takes its cheapest candidates, as many as the overlaps of its best guesses sum to.</summary>
/// <remarks>The step that Ge et al., "YOLOX", 2021, arXiv:2107.08430, section 2.1, put in place of optimal transport.</remarks>
internal static class DynamicMatching
{
    /// <param name="costs">For each box [V].</param>
    /// <param name="overlaps">For each box [V], IoU.</param>
    /// <param name="topk">The guesses whose overlaps are summed.</param>
    /// <returns>[V], the box of each candidate; <see cref="Assigner.Background"/> where none took it. One that several took goes to the
    /// box, of all, to which it is cheapest.</returns>
    public static int[] Match(IReadOnlyList<float[]> costs, IReadOnlyList<float[]> overlaps, int topk)
    {
        var candidates = costs[0].Length;
        var (takers, matched) = (new int[candidates], new int[candidates]);
        Array.Fill(matched, Assigner.Background);
        for (var box = 0; box < costs.Count; box++)
        {
            var sum = 0f;
            foreach (var candidate in Best(overlaps[box], topk, largest: true))
                sum += overlaps[box][candidate];
            foreach (var candidate in Best(costs[box], Math.Max(1, (int)sum), largest: false))
            {
                takers[candidate]++;
                matched[candidate] = box;
            }
        }
        for (var candidate = 0; candidate < candidates; candidate++)
            if (takers[candidate] > 1)
                matched[candidate] = Cheapest(costs, candidate);
        return matched;
    }

    /// <summary>The indices of the best, at most <paramref name="count"/>, best first; of equal ones the first.</summary>
    private static int[] Best(float[] values, int count, bool largest)
    {
        var best = new int[Math.Min(count, values.Length)];
        var found = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if (found == best.Length && !IsBetter(values[i], values[best[^1]]))
                continue;
            var at = found < best.Length ? found++ : found - 1;
            for (; at > 0 && IsBetter(values[i], values[best[at - 1]]); at--)
                best[at] = best[at - 1];
            best[at] = i;
        }
        return best;

        bool IsBetter(float a, float b) => largest ? a > b : a < b;
    }

    private static int Cheapest(IReadOnlyList<float[]> costs, int candidate)
    {
        var cheapest = 0;
        for (var box = 1; box < costs.Count; box++)
            if (costs[box][candidate] < costs[cheapest][candidate])
                cheapest = box;
        return cheapest;
    }
}
