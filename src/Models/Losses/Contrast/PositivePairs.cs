namespace Tessera.Models.Losses.Contrast;

/// <summary>The pairs of an anchor and a column of its class, with what each counts in the loss.</summary>
/// <param name="Cells">Indices into the flattened table of anchors by columns, anchor after anchor.</param>
/// <param name="Anchors">The anchor of each.</param>
/// <param name="Weights">The anchor's weight over its number of pairs; they sum to 1.</param>
internal sealed record PositivePairs(long[] Cells, long[] Anchors, float[] Weights)
{
    /// <param name="classes">Of the anchors.</param>
    /// <param name="weights">Of the anchors; one without pairs doesn't count.</param>
    /// <param name="columns">The columns' classes.</param>
    /// <param name="differ">Whether an anchor and a column of its class are not one and the same pixel.</param>
    public static PositivePairs Find(long[] classes, float[] weights, long[] columns, Func<int, int, bool> differ)
    {
        var byClass = Enumerable.Range(0, columns.Length).ToLookup(column => columns[column]);
        var (cells, anchors, shares) = (new List<long>(), new List<long>(), new List<float>());
        var total = 0.0;
        for (var i = 0; i < classes.Length; i++)
        {
            var before = cells.Count;
            foreach (var column in byClass[classes[i]])
            {
                if (!differ(i, column))
                    continue;
                cells.Add((long)i * columns.Length + column);
                anchors.Add(i);
            }
            var count = cells.Count - before;
            if (count == 0)
                continue;
            total += weights[i];
            for (var pair = 0; pair < count; pair++)
                shares.Add(weights[i] / count);
        }
        return new PositivePairs([.. cells], [.. anchors], [.. shares.Select(share => (float)(share / total))]);
    }
}
