namespace Tessera.Framework.Processes;

/// <summary>Cuts a chain of steps into stages.</summary>
public static class StageCuts
{
    /// <summary>The cuts that make the slowest stage as fast as can be; of several such, the earliest.</summary>
    /// <remarks>Dynamic programming over the first steps: best[s][n] = min over k of max(best[s - 1][k], cost of the steps k … n - 1).
    /// </remarks>
    /// <param name="costs">Of each step, not negative.</param>
    /// <param name="stages">At most as many as there are steps; each stage gets at least one.</param>
    /// <returns>The step with which each stage but the first begins, rising.</returns>
    /// <exception cref="ArgumentException">There are fewer steps than stages, or no stage.</exception>
    public static int[] Balance(IReadOnlyList<double> costs, int stages)
    {
        if (stages < 1 || costs.Count < stages)
            throw new ArgumentException($"{costs.Count} steps can't be cut into {stages} stages.", nameof(stages));
        var sums = new double[costs.Count + 1];
        for (var i = 0; i < costs.Count; i++)
            sums[i + 1] = sums[i] + costs[i];
        var best = new double[stages + 1, costs.Count + 1];
        var cut = new int[stages + 1, costs.Count + 1];
        for (var n = 1; n <= costs.Count; n++)
            best[1, n] = sums[n];
        for (var stage = 2; stage <= stages; stage++)
        {
            for (var n = stage; n <= costs.Count; n++)
            {
                best[stage, n] = double.PositiveInfinity;
                for (var k = stage - 1; k < n; k++)
                {
                    var slowest = Math.Max(best[stage - 1, k], sums[n] - sums[k]);
                    if (slowest < best[stage, n])
                        (best[stage, n], cut[stage, n]) = (slowest, k);
                }
            }
        }
        var cuts = new int[stages - 1];
        for (int stage = stages, n = costs.Count; stage > 1; stage--)
            cuts[stage - 2] = n = cut[stage, n];
        return cuts;
    }

    /// <summary>The cost of each stage.</summary>
    /// <param name="cuts">As <see cref="Balance"/> gives them.</param>
    public static double[] Costs(IReadOnlyList<double> costs, IReadOnlyList<int> cuts)
    {
        int[] bounds = [0, .. cuts, costs.Count];
        return [.. bounds.Zip(bounds.Skip(1), (from, to) => costs.Skip(from).Take(to - from).Sum())];
    }
}
