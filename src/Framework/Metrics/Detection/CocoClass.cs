using Tessera.Framework.Processes;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>One class over all images: its detections, best first, and how many objects are asked for.</summary>
internal sealed class CocoClass
{
    public const int RecallPoints = 101;

    private const double Epsilon = 2.220446049250313e-16; // numpy.spacing(1), which COCO adds to the denominator of a precision
    private const int Areas = CocoMatcher.Areas,
        Thresholds = CocoMatcher.Thresholds;

    private static readonly double[] s_recalls =
    [
        .. Enumerable.Range(0, RecallPoints - 1).Select(i => i * (1.0 / (RecallPoints - 1))),
        1.0,
    ];

    private readonly int[] _images;
    private readonly short[] _ranks;
    private readonly CocoMatch[] _detections;
    private readonly (int Image, int Objects)[] _objectsByImage;

    // Precisions at the detections that find an object, by how many are found then; grown as needed.
    private readonly double[][] _precisions = [.. Enumerable.Range(0, Thresholds).Select(_ => new double[16])];
    private readonly int[] _places = new int[Thresholds];

    /// <param name="matches">Of this class, with the image's position; images in order.</param>
    public CocoClass(IReadOnlyList<(int Image, ClassMatches Matches)> matches)
    {
        var count = matches.Sum(match => match.Matches.Detections.Length);
        var (keys, order) = (new double[count], new int[count]);
        var (images, ranks, detections) = (new int[count], new short[count], new CocoMatch[count]);
        var at = 0;
        foreach (var (image, ofImage) in matches)
        {
            for (var rank = 0; rank < ofImage.Detections.Length; rank++, at++)
            {
                (images[at], ranks[at], detections[at]) = (image, (short)rank, ofImage.Detections[rank]);
                (keys[at], order[at]) = (-ofImage.Detections[rank].Score, at);
            }
            for (var area = 0; area < Areas; area++)
                Objects[area] += ofImage.Objects[area];
        }
        SortStably(keys, order);
        _images = Array.ConvertAll(order, i => images[i]);
        _ranks = Array.ConvertAll(order, i => ranks[i]);
        _detections = Array.ConvertAll(order, i => detections[i]);
        _objectsByImage =
        [
            .. matches.Where(match => match.Matches.Objects[0] > 0).Select(match => (match.Image, match.Matches.Objects[0])),
        ];
    }

    /// <summary>[areas].</summary>
    public int[] Objects { get; } = new int[Areas];

    /// <summary>Average precision over all IoU thresholds, at 0.50 and 0.75, and of small, medium and large objects: AP, AP50, AP75, APs,
    /// APm, APl.</summary>
    public Dictionary<string, double> Precisions()
    {
        var ofAll = Precision(0);
        return new Dictionary<string, double>
        {
            ["AP"] = ofAll.Average(),
            ["AP50"] = ofAll[0],
            ["AP75"] = ofAll[5],
            ["APs"] = Precision(1).Average(),
            ["APm"] = Precision(2).Average(),
            ["APl"] = Precision(3).Average(),
        };
    }

    /// <summary>Average precision at each IoU threshold over 101 recalls; NaN where no object of that size is asked for.</summary>
    public double[] Precision(int area)
    {
        var results = new double[Thresholds];
        Array.Fill(results, double.NaN);
        if (!Gather(area))
            return results;
        for (var t = 0; t < Thresholds; t++)
            results[t] = Interpolate(t, Objects[area]);
        return results;
    }

    /// <summary>[101]: the best precision at each recall or above, at one IoU threshold; null where no object of that size is asked
    /// for.</summary>
    public double[]? Curve(int area, int threshold)
    {
        if (!Gather(area))
            return null;
        var curve = new double[RecallPoints];
        Interpolate(threshold, Objects[area], curve);
        return curve;
    }

    private bool Gather(int area)
    {
        if (Objects[area] == 0)
            return false;
        var shift = area * Thresholds;
        Array.Clear(_places);
        Span<int> ignored = stackalloc int[Thresholds];
        ignored.Clear();
        for (var i = 0; i < _detections.Length; i++)
        {
            ref readonly var detection = ref _detections[i];
            Count(i + 1, 1, (uint)(detection.True >> shift), (uint)(detection.Ignored >> shift), ignored);
        }
        return true;
    }

    /// <summary>The part of the objects that is found at each IoU threshold, by the best few detections of each image.</summary>
    public double[] Recall(int area, int most)
    {
        var found = new int[Thresholds];
        for (var i = 0; i < _detections.Length; i++)
        {
            if (_ranks[i] >= most)
                continue;
            for (var bits = (uint)(_detections[i].True >> (area * Thresholds)) & Mask; bits != 0; bits &= bits - 1)
                found[System.Numerics.BitOperations.TrailingZeroCount(bits)]++;
        }
        return Array.ConvertAll(found, n => Objects[area] == 0 ? double.NaN : (double)n / Objects[area]);
    }

    /// <summary><see cref="Precision"/> of all sizes with each image taken as often as it was drawn; false where no object is asked
    /// for.</summary>
    /// <param name="drawn">[images].</param>
    /// <param name="results">[thresholds].</param>
    public bool Redraw(int[] drawn, Span<double> results)
    {
        var objects = 0;
        foreach (var (image, count) in _objectsByImage)
            objects += drawn[image] * count;
        if (objects == 0)
            return false;
        Array.Clear(_places);
        Span<int> ignored = stackalloc int[Thresholds];
        ignored.Clear();
        var seen = 0;
        for (var i = 0; i < _images.Length; i++)
        {
            var times = drawn[_images[i]];
            if (times == 0)
                continue;
            seen += times;
            ref readonly var detection = ref _detections[i];
            if (((detection.Matched | detection.Ignored) & Mask) != 0)
                Count(seen, times, (uint)detection.True, (uint)detection.Ignored, ignored);
        }
        for (var t = 0; t < Thresholds; t++)
            results[t] = Interpolate(t, objects);
        return true;
    }

    private const uint Mask = (1u << Thresholds) - 1;

    /// <summary>Takes in a detection.</summary>
    /// <param name="seen">Detections up to it.</param>
    /// <param name="times">How often it counts.</param>
    /// <param name="found">By threshold: it finds an object.</param>
    /// <param name="without">By threshold: it counts as nothing.</param>
    private void Count(int seen, int times, uint found, uint without, Span<int> ignored)
    {
        for (var bits = without & Mask; bits != 0; bits &= bits - 1)
            ignored[System.Numerics.BitOperations.TrailingZeroCount(bits)] += times;
        for (var bits = found & Mask; bits != 0; bits &= bits - 1)
        {
            var t = System.Numerics.BitOperations.TrailingZeroCount(bits);
            var (before, after) = (_places[t], _places[t] + times);
            ref var precisions = ref _precisions[t];
            if (precisions.Length < after)
                Array.Resize(ref precisions, Math.Max(after, 2 * precisions.Length));
            precisions.AsSpan(before..after).Fill(after / (seen - ignored[t] + Epsilon));
            _places[t] = after;
        }
    }

    /// <summary>The mean over the recalls of the best precision that is reached at that recall or above.</summary>
    /// <param name="curve">Gets these precisions; where it is empty, nobody asks for them.</param>
    private double Interpolate(int t, int objects, Span<double> curve = default)
    {
        var precisions = _precisions[t].AsSpan(0, _places[t]);
        for (var i = precisions.Length - 2; i >= 0; i--)
            if (precisions[i + 1] > precisions[i])
                precisions[i] = precisions[i + 1];
        var (sum, at) = (0.0, 0);
        for (var r = 0; r < RecallPoints; r++)
        {
            while (at < precisions.Length && (at + 1.0) / objects < s_recalls[r])
                at++;
            if (at == precisions.Length)
                break;
            sum += precisions[at];
            if (!curve.IsEmpty)
                curve[r] = precisions[at];
        }
        return sum / RecallPoints;
    }

    private static void SortStably(double[] keys, int[] order)
    {
        Array.Sort(keys, order);
        for (var i = 0; i < keys.Length; )
        {
            var end = i + 1;
            while (end < keys.Length && keys[end] == keys[i])
                end++;
            if (end - i > 1)
                Array.Sort(order, i, end - i); // equal scores keep the images' order
            i = end;
        }
    }
}
