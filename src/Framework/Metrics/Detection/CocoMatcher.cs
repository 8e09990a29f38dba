using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>A detection held against an image's objects. Bit <c>area * 10 + threshold</c> of each mask stands for a range of areas and an
/// IoU threshold.</summary>
/// <param name="Matched">It lies on an object.</param>
/// <param name="Ignored">It counts as nothing: the object isn't asked for, or there is none and it is not of that size itself.</param>
internal readonly record struct CocoMatch(double Score, ulong Matched, ulong Ignored)
{
    public ulong True => Matched & ~Ignored;
}

/// <summary>What an image adds to a class.</summary>
/// <param name="Objects">[areas], how many are asked for.</param>
/// <param name="Detections">Best first.</param>
internal sealed record ClassMatches(int Label, int[] Objects, CocoMatch[] Detections);

/// <summary>Assigns an image's detections to its objects as COCO does, for every range of areas and every IoU threshold.</summary>
/// <param name="thresholds">Rising, at most <see cref="Thresholds"/>; null: COCO's, 0.5 to 0.95.</param>
/// <param name="most">Detections of a class and an image that count, best first.</param>
internal sealed class CocoMatcher(int classes, double[]? thresholds = null, int most = CocoMatcher.MostDetections)
{
    public const int Areas = 4,
        Thresholds = 10,
        MostDetections = 100;

    /// <summary>All, small, medium, large; both ends belong to a range.</summary>
    private static readonly (double Low, double High)[] s_areas = [(0, 1e10), (0, 32 * 32), (32 * 32, 96 * 96), (96 * 96, 1e10)];

    // 0.5 to 0.95, rounded as numpy.linspace rounds them: a detection exactly on a threshold must fall on the same side.
    private static readonly double[] s_thresholds =
    [
        .. Enumerable.Range(0, Thresholds - 1).Select(i => (i * ((0.95 - 0.5) / (Thresholds - 1))) + 0.5),
        0.95,
    ];

    private const ulong OfOneArea = (1UL << Thresholds) - 1;

    private readonly double[] _thresholds = thresholds ?? s_thresholds;
    private double[] _ious = [];
    private bool[] _taken = [];

    /// <summary>Classes that have neither an object nor a detection are left out.</summary>
    public ClassMatches[] Match(ICocoOverlaps overlaps, double[] scores, int[] labels, BoxAnnotation truth)
    {
        var (found, objects) = (new ByClass(labels, classes), new ByClass(truth.Labels, classes));
        var matches = new List<ClassMatches>();
        for (var c = 0; c < classes; c++)
        {
            var ofClass = objects[c];
            var detections = found.Falling(c, scores);
            if (ofClass.Length + detections.Length == 0)
                continue;
            matches.Add(OfClass(c, detections[..Math.Min(detections.Length, most)], ofClass, overlaps, scores, truth));
        }
        return [.. matches];
    }

    /// <param name="label">What the result is said to be of; the truth's own labels are not read.</param>
    /// <param name="detections">Best first.</param>
    /// <param name="objects">Those to be matched.</param>
    public ClassMatches OfClass(
        int label,
        ReadOnlySpan<int> detections,
        ReadOnlySpan<int> objects,
        ICocoOverlaps overlaps,
        double[] scores,
        BoxAnnotation truth
    )
    {
        var results = new CocoMatch[detections.Length];
        var close = Overlaps(detections, objects, overlaps);
        var counts = new int[Areas];
        Span<int> order = objects.Length <= 256 ? stackalloc int[objects.Length] : new int[objects.Length];
        for (var area = 0; area < Areas; area++)
        {
            counts[area] = Order(order, objects, overlaps, truth, s_areas[area]);
            if (!close)
                continue;
            for (var t = 0; t < _thresholds.Length; t++)
                Assign(results, order, counts[area], objects, truth, _thresholds[t], 1UL << ((area * Thresholds) + t));
        }
        for (var d = 0; d < results.Length; d++)
        {
            var (size, outside) = (overlaps.SizeOfDetection(detections[d]), 0UL);
            for (var area = 0; area < Areas; area++)
                if (size < s_areas[area].Low || size > s_areas[area].High)
                    outside |= OfOneArea << (area * Thresholds);
            var (_, matched, ignored) = results[d];
            results[d] = new CocoMatch(scores[detections[d]], matched, ignored | (outside & ~matched));
        }
        return new ClassMatches(label, counts, results);
    }

    /// <returns>Whether any overlap reaches the lowest threshold.</returns>
    private bool Overlaps(ReadOnlySpan<int> detections, ReadOnlySpan<int> objects, ICocoOverlaps overlaps)
    {
        if (_ious.Length < detections.Length * objects.Length)
            _ious = new double[detections.Length * objects.Length];
        if (_taken.Length < objects.Length)
            _taken = new bool[objects.Length];
        var (at, close) = (0, false);
        foreach (var d in detections)
        {
            foreach (var g in objects)
            {
                var iou = overlaps.IoU(d, g);
                close |= iou >= _thresholds[0];
                _ious[at++] = iou;
            }
        }
        return close;
    }

    /// <summary>Positions of objects, those that are asked for first.</summary>
    /// <returns>How many are asked for.</returns>
    private static int Order(
        Span<int> order,
        ReadOnlySpan<int> objects,
        ICocoOverlaps overlaps,
        BoxAnnotation truth,
        (double Low, double High) area
    )
    {
        var (asked, last) = (0, order.Length);
        for (var g = 0; g < objects.Length; g++)
            if (IsAsked(objects[g]))
                order[asked++] = g;
        for (var g = objects.Length - 1; g >= 0; g--)
            if (!IsAsked(objects[g]))
                order[--last] = g;
        return asked;

        bool IsAsked(int g) =>
            !truth.Ignored[g] && !truth.Crowd[g] && overlaps.SizeOfObject(g) is var size && size >= area.Low && size <= area.High;
    }

    private void Assign(
        CocoMatch[] results,
        ReadOnlySpan<int> order,
        int asked,
        ReadOnlySpan<int> objects,
        BoxAnnotation truth,
        double threshold,
        ulong bit
    )
    {
        Array.Clear(_taken, 0, objects.Length);
        for (var d = 0; d < results.Length; d++)
        {
            var ious = _ious.AsSpan(d * objects.Length, objects.Length);
            var (best, match) = (threshold, -1);
            for (var i = 0; i < order.Length; i++)
            {
                if (i == asked && match >= 0)
                    break; // an object that is asked for goes before any that isn't
                var g = order[i];
                if (ious[g] < best || (_taken[g] && !truth.Crowd[objects[g]]))
                    continue;
                (best, match) = (ious[g], i); // of equal ones the last
            }
            if (match < 0)
                continue;
            _taken[order[match]] = true;
            var (score, matched, ignored) = results[d];
            results[d] = new CocoMatch(score, matched | bit, match >= asked ? ignored | bit : ignored);
        }
    }
}
