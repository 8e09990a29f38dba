namespace Tessera.Tools.Anchors;

/// <summary>How the anchors of a map stand.</summary>
/// <param name="Stride">Pixels from one place to the next.</param>
/// <param name="Center">Where the first one's centre is, in pixels.</param>
internal readonly record struct AnchorMap(double Stride, double Center)
{
    private const double Widest = 16; // strides: larger ones are another map's
    private const double Strictest = 0.95; // no side holds boxes to a threshold of 1

    /// <summary>
    /// The sides that a map can hold: at the least one, a square box of that side overlaps its anchor by the threshold even where it
    /// lies between four places.
    /// </summary>
    /// <remarks>
    /// Half a stride apart in both directions, squares of side c share (c - 1/2)²; the overlap is that over 2 c² - (c - 1/2)²,
    /// in strides, and reaches t from c = 1 / (2 (1 - √(2 t / (1 + t)))) on.
    /// </remarks>
    public (double Least, double Most) Sides(double threshold)
    {
        threshold = Math.Min(threshold, Strictest);
        var least = Stride / (2 * (1 - Math.Sqrt(2 * threshold / (1 + threshold))));
        return (least, Math.Max(Widest * Stride, 2 * least));
    }
}

/// <summary>Boxes, and how far each one's centre is from the nearest anchor's on every map.</summary>
internal sealed class PlacedBoxes
{
    private readonly (float X, float Y)[][] _apart; // [maps][boxes]

    private PlacedBoxes(Extent[] extents, (float X, float Y)[][] apart) => (Extents, _apart) = (extents, apart);

    public Extent[] Extents { get; }

    public int Count => Extents.Length;

    public int Maps => _apart.Length;

    /// <param name="boxes">With their centres, in pixels.</param>
    public static PlacedBoxes On(IReadOnlyList<AnchorMap> maps, IReadOnlyList<(Extent Extent, double X, double Y)> boxes) =>
        new(
            [.. boxes.Select(box => box.Extent)],
            [.. maps.Select(map => boxes.Select(box => (Apart(box.X, map), Apart(box.Y, map))).ToArray())]
        );

    /// <summary>Every box has its centre where an anchor has.</summary>
    public static PlacedBoxes Centred(Extent[] boxes, int maps) =>
        new(boxes, [.. Enumerable.Range(0, maps).Select(_ => new (float, float)[boxes.Length])]);

    /// <summary>Some of them.</summary>
    public PlacedBoxes At(int[] indices) =>
        new([.. indices.Select(i => Extents[i])], [.. _apart.Select(ofMap => indices.Select(i => ofMap[i]).ToArray())]);

    /// <summary>Each box's best overlap with an anchor, on average, and the part of the boxes that have one above each of the
    /// thresholds.</summary>
    /// <param name="anchors">Of each map.</param>
    public (double Mean, double[] Recall) Measure(Extent[][] anchors, params ReadOnlySpan<double> thresholds)
    {
        var (sum, above) = (0.0, new double[thresholds.Length]);
        for (var i = 0; i < Extents.Length; i++)
        {
            var best = Best(i, anchors);
            sum += best;
            for (var t = 0; t < thresholds.Length; t++)
                if (best >= thresholds[t])
                    above[t]++;
        }
        return (sum / Extents.Length, [.. above.Select(count => count / Extents.Length)]);
    }

    private double Best(int index, Extent[][] anchors)
    {
        var (best, box) = (0.0, Extents[index]);
        for (var map = 0; map < anchors.Length; map++)
        {
            var (x, y) = _apart[map][index];
            foreach (var anchor in anchors[map])
                best = Math.Max(best, box.Overlap(anchor, x, y));
        }
        return best;
    }

    private static float Apart(double center, AnchorMap map)
    {
        var places = (center - map.Center) / map.Stride;
        return (float)(Math.Abs(places - Math.Round(places)) * map.Stride);
    }
}
