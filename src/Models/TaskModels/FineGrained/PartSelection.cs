namespace Tessera.Models.TaskModels.FineGrained;

/// <summary>Which boxes of an image are its proposals: the best scored that overlap little.</summary>
internal static class PartSelection
{
    /// <summary>From the best score down, each box that overlaps every one chosen so far by less than the threshold. Where these are too
    /// few, the best of those passed over come behind them.</summary>
    /// <param name="scores">One for each box, higher is better; of equal ones the first box is, and NaN is the worst.</param>
    /// <param name="count">At most as many as there are boxes.</param>
    /// <param name="threshold">Of the intersection over union.</param>
    /// <returns>[count], indices of boxes, each once.</returns>
    public static int[] Choose(ReadOnlySpan<float> scores, IReadOnlyList<PartBox> boxes, int count, double threshold)
    {
        var values = scores.ToArray();
        var order = Enumerable.Range(0, values.Length).OrderByDescending(i => values[i]).ToArray();
        var (chosen, passed) = (new List<int>(count), new List<int>());
        foreach (var i in order)
        {
            if (chosen.Count == count)
                return [.. chosen];
            (chosen.TrueForAll(kept => boxes[i].Iou(boxes[kept]) < threshold) ? chosen : passed).Add(i);
        }
        return [.. chosen, .. passed.Take(count - chosen.Count)];
    }
}
