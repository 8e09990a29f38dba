using System.Runtime.InteropServices;
using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics;

/// <summary>What an image adds to a class.</summary>
/// <param name="Class">Its index.</param>
/// <param name="Found">Pairs of a true and a predicted segment.</param>
/// <param name="Wrong">Predicted segments without a true one.</param>
/// <param name="Missed">True segments without a predicted one.</param>
/// <param name="Overlap">The sum of the pairs' overlaps.</param>
public readonly record struct PanopticCount(int Class, int Found, int Wrong, int Missed, double Overlap);

/// <summary>Pairs true and predicted segments of an image.</summary>
/// <remarks>
/// Kirillov et al., "Panoptic Segmentation", CVPR 2019, arXiv:1801.00868, section 4, with the rules of panopticapi: a pair is of one class
/// and overlaps by more than one half, so that there is at most one for each segment. Pixels without a true segment don't count for the
/// overlap; a crowd is never missed; and a predicted segment without a pair is no mistake where more than half of it lies on such pixels
/// and on a crowd of its class.
/// </remarks>
internal static class PanopticMatching
{
    private const int None = -1;

    /// <param name="truth">Of the prediction's size.</param>
    /// <returns>Classes that occur, rising.</returns>
    public static PanopticCount[] Of(PanopticMap truth, PanopticMap predicted)
    {
        var shared = Shared(truth.Map.Pixels<ushort>(), predicted.Map.Pixels<ushort>());
        var (trueAreas, areas) = (truth.Areas(), predicted.Areas());
        var (matched, used) = (new bool[trueAreas.Length], new bool[areas.Length]);
        var counts = new SortedDictionary<int, PanopticCount>();
        foreach (var ((t, p), pixels) in shared.OrderBy(entry => entry.Key))
        {
            if (t == None || p == None || truth.Segments[t].Crowd || truth.Segments[t].Label != predicted.Segments[p].Label)
                continue;
            var union = areas[p] + trueAreas[t] - pixels - shared.GetValueOrDefault((None, p));
            if (2 * pixels <= union)
                continue;
            (matched[t], used[p]) = (true, true);
            Add(
                predicted.Segments[p].Label,
                count => count with { Found = count.Found + 1, Overlap = count.Overlap + ((double)pixels / union) }
            );
        }
        var crowds = new Dictionary<int, int>(); // of each class the last one
        for (var t = 0; t < trueAreas.Length; t++)
        {
            if (matched[t] || trueAreas[t] == 0)
                continue;
            if (truth.Segments[t].Crowd)
                crowds[truth.Segments[t].Label] = t;
            else
                Add(truth.Segments[t].Label, count => count with { Missed = count.Missed + 1 });
        }
        for (var p = 0; p < areas.Length; p++)
        {
            if (used[p] || areas[p] == 0)
                continue;
            var label = predicted.Segments[p].Label;
            var excused = shared.GetValueOrDefault((None, p));
            if (crowds.TryGetValue(label, out var crowd))
                excused += shared.GetValueOrDefault((crowd, p));
            if (2 * excused <= areas[p])
                Add(label, count => count with { Wrong = count.Wrong + 1 });
        }
        return [.. counts.Values];

        void Add(int label, Func<PanopticCount, PanopticCount> more) =>
            counts[label] = more(counts.TryGetValue(label, out var count) ? count : new PanopticCount(label, 0, 0, 0, 0));
    }

    /// <summary>Pixels that a true and a predicted segment share.</summary>
    private static Dictionary<(int Truth, int Predicted), long> Shared(ReadOnlySpan<ushort> truth, ReadOnlySpan<ushort> predicted)
    {
        var shared = new Dictionary<(int, int), long>();
        for (var i = 0; i < truth.Length; )
        {
            var start = i;
            while (++i < truth.Length && truth[i] == truth[start] && predicted[i] == predicted[start]) { }
            CollectionsMarshal.GetValueRefOrAddDefault(shared, (Place(truth[start]), Place(predicted[start])), out _) += i - start;
        }
        return shared;

        static int Place(ushort value) => value == PanopticMap.Void ? None : value;
    }
}
