using Tessera.Framework.Data;

namespace Tessera.Tools.Anchors;

/// <summary>Width and height of a box or an anchor.</summary>
internal readonly record struct Extent(double Width, double Height)
{
    /// <summary>The overlap of two whose centres are apart; by default not at all.</summary>
    public double Overlap(Extent other, double x = 0, double y = 0)
    {
        var across = Math.Min(Math.Min(Width, other.Width), (Width + other.Width) / 2 - x);
        var down = Math.Min(Math.Min(Height, other.Height), (Height + other.Height) / 2 - y);
        if (across <= 0 || down <= 0)
            return 0;
        var shared = across * down;
        return shared / (Width * Height + other.Width * other.Height - shared);
    }
}

/// <summary>Sides of each map's anchors, in pixels and rising, and the ratios that all maps share: what AnchorGenerator's "sizes" and
/// "ratios" take.</summary>
internal sealed record AnchorShapes(double[][] Sizes, double[] Ratios)
{
    public Extent[] Extents() => [.. ByMap().SelectMany(anchors => anchors)];

    /// <summary>Anchors of each map.</summary>
    public Extent[][] ByMap() =>
        [
            .. Sizes.Select(sides =>
                sides.SelectMany(side => Ratios.Select(ratio => new Extent(side / Math.Sqrt(ratio), side * Math.Sqrt(ratio)))).ToArray()
            ),
        ];

    /// <summary>As they are printed.</summary>
    public AnchorShapes Rounded() =>
        new(
            [.. Sizes.Select(sides => sides.Select(side => Math.Max(Math.Round(side, 1), 0.1)).ToArray())],
            [.. Ratios.Select(ratio => Math.Max(Math.Round(ratio, 2), 0.01))]
        );
}

/// <summary>Fits anchors to boxes: each box should have one that overlaps it well.</summary>
/// <remarks>
/// k-means with 1 - IoU for a distance: Redmon and Farhadi, "YOLO9000", 2016, arXiv:1612.08242; differential evolution (rand/1/bin):
/// Storn and Price, Journal of Global Optimization 11, 1997. What is bred for is what training needs: the part of the boxes that the
/// assigner gives an anchor, where boxes and anchors stand.
/// </remarks>
internal sealed class AnchorFit
{
    private const int MostForEvolution = 4000,
        Members = 48,
        Rounds = 30;
    private const double Weight = 0.6,
        Crossover = 0.8;
    private const double OfMean = 0.1; // a recall rises in steps; the mean overlap shows the way between them

    private readonly PlacedBoxes _boxes;
    private readonly (double Least, double Most)[]? _held; // the sides that each map can hold
    private readonly (double Least, double Most) _shown; // ratios of the boxes
    private readonly int _maps,
        _sizes,
        _ratios;
    private readonly double? _threshold;
    private readonly long _seed;

    /// <summary>Boxes and anchors of one centre, bred for the best mean overlap; sides may lie on any map.</summary>
    public AnchorFit(Extent[] boxes, int maps, int sizes, int ratios, long seed)
    {
        (_boxes, _maps, _sizes, _ratios, _seed) = (PlacedBoxes.Centred(boxes, maps), maps, sizes, ratios, seed);
        _shown = RatiosOf(boxes);
    }

    /// <summary>Boxes where they stand, bred for the best recall; a side lies on a map that can hold it.</summary>
    /// <param name="threshold">The overlap from which the assigner gives a box to an anchor.</param>
    public AnchorFit(PlacedBoxes boxes, IReadOnlyList<AnchorMap> maps, double threshold, int sizes, int ratios, long seed)
    {
        (_boxes, _maps, _sizes, _ratios, _seed, _threshold) = (boxes, maps.Count, sizes, ratios, seed, threshold);
        _shown = RatiosOf(boxes.Extents);
        _held = [.. maps.Select(map => map.Sides(threshold))];
        // No map would hold smaller ones, or larger ones, better; but none is of use beyond all boxes.
        var sides = boxes.Extents.SelectMany(box => (double[])[box.Width, box.Height]).ToArray();
        _held[0].Least = Math.Min(_held[0].Most, Math.Max(1, sides.Min()));
        _held[^1].Most = Math.Max(_held[^1].Least, sides.Max());
    }

    /// <summary>Each box's best overlap with an anchor of its centre, on average, and the part of the boxes that have one above each of the
    /// thresholds.</summary>
    public static (double Mean, double[] Recall) Measure(Extent[] boxes, Extent[] anchors, params ReadOnlySpan<double> thresholds) =>
        PlacedBoxes.Centred(boxes, 1).Measure([anchors], thresholds);

    /// <summary>Clusters of the squares of the boxes' areas: their sides, dealt to the maps from small to large, and clusters of their
    /// ratios.</summary>
    public AnchorShapes KMeans()
    {
        var random = new RandomSource((ulong)_seed);
        var squares = _boxes.Extents.Select(box => Math.Sqrt(box.Width * box.Height)).Select(side => new Extent(side, side)).ToArray();
        if (_held is null)
        {
            var sides = Clusters(squares, _maps * _sizes, random).Select(center => center.Width).Order().ToArray();
            return new AnchorShapes([.. sides.Chunk(_sizes)], RatioClusters(random));
        }
        return new AnchorShapes([.. Enumerable.Range(0, _maps).Select(map => SidesOf(map, squares, random))], RatioClusters(random));
    }

    /// <summary>Clusters of the boxes that a map holds and the next does not; where they are too few, sides over its own octave.</summary>
    private double[] SidesOf(int map, Extent[] squares, RandomSource random)
    {
        var (least, end) = (_held![map].Least, map + 1 < _maps ? _held[map + 1].Least : double.PositiveInfinity);
        var own = squares.Where(square => square.Width >= (map == 0 ? 0 : least) && square.Width < end).ToArray();
        if (own.Length >= _sizes)
            return [.. Clusters(own, _sizes, random).Select(center => center.Width).Order()];
        var first = map == 0 ? end / 2 : least;
        return [.. Enumerable.Range(0, _sizes).Select(i => first * Math.Pow(2, (double)i / _sizes))];
    }

    /// <summary>Sides and ratios together, bred from given ones.</summary>
    /// <param name="advance">Told of generations done, and in all.</param>
    public AnchorShapes Evolve(IReadOnlyList<AnchorShapes> from, int generations, Action<int, int>? advance = null)
    {
        var random = new RandomSource((ulong)_seed + 1);
        var few = _boxes.Count <= MostForEvolution ? _boxes : _boxes.At([.. random.Permutation(_boxes.Count).Take(MostForEvolution)]);
        var starts = from.Where(shapes =>
                shapes.Sizes.Length == _maps && shapes.Sizes.All(sides => sides.Length == _sizes) && shapes.Ratios.Length == _ratios
            )
            .Select(Genes)
            .ToArray();
        var members = new double[Members][];
        for (var i = 0; i < Members; i++)
            members[i] =
                i < starts.Length ? starts[i]
                : starts.Length == 0 || i % 2 == 0 ? Drawn(random)
                : [.. starts[i % starts.Length].Select(gene => gene + 0.3 * random.Normal())];
        var scores = new double[Members];
        Parallel.For(0, Members, i => scores[i] = Score(few, members[i]));
        for (var generation = 0; generation < generations; generation++)
        {
            var trials = new double[Members][];
            for (var i = 0; i < Members; i++)
                trials[i] = Trial(members, i, random);
            Parallel.For(
                0,
                Members,
                i =>
                {
                    var score = Score(few, trials[i]);
                    if (score >= scores[i])
                        (members[i], scores[i]) = (trials[i], score);
                }
            );
            advance?.Invoke(generation + 1, generations);
        }
        return Shapes(members[Array.IndexOf(scores, scores.Max())]);
    }

    private double[] Trial(double[][] members, int of, RandomSource random)
    {
        int a,
            b,
            c;
        do (a, b, c) = (random.Next(Members), random.Next(Members), random.Next(Members));
        while (a == of || b == of || c == of || a == b || b == c || a == c);
        var trial = (double[])members[of].Clone();
        var forced = random.Next(trial.Length);
        for (var g = 0; g < trial.Length; g++)
            if (g == forced || random.Chance(Crossover))
                trial[g] = Math.Clamp(members[a][g] + Weight * (members[b][g] - members[c][g]), -12, 12);
        return trial;
    }

    private double Score(PlacedBoxes few, double[] genes)
    {
        var anchors = Shapes(genes).ByMap();
        if (_threshold is not { } threshold)
            return few.Measure(anchors).Mean;
        var (mean, recall) = few.Measure(anchors, threshold);
        return recall[0] + OfMean * mean;
    }

    private static double[] Genes(AnchorShapes shapes) =>
        [.. shapes.Sizes.SelectMany(sides => sides).Concat(shapes.Ratios).Select(value => Math.Log(value))];

    /// <summary>Sides and ratios of boxes drawn at random.</summary>
    private double[] Drawn(RandomSource random) =>
        [
            .. Enumerable
                .Range(0, _maps * _sizes + _ratios)
                .Select(gene =>
                {
                    var box = _boxes.Extents[random.Next(_boxes.Count)];
                    return gene < _maps * _sizes ? Math.Log(box.Width * box.Height) / 2 : Math.Log(box.Height / box.Width);
                }),
        ];

    /// <summary>Sides are dealt from small to large, or, where maps hold some only, brought within those.</summary>
    private AnchorShapes Shapes(double[] genes)
    {
        var sides = genes.Take(_maps * _sizes).Select(value => Math.Exp(value));
        double[][] byMap = _held is null
            ? [.. sides.Order().Chunk(_sizes)]
            :
            [
                .. sides
                    .Chunk(_sizes)
                    .Select((ofMap, map) => ofMap.Select(side => Math.Clamp(side, _held[map].Least, _held[map].Most)).Order().ToArray()),
            ];
        return new AnchorShapes(
            byMap,
            [.. genes.Skip(_maps * _sizes).Order().Select(value => Math.Clamp(Math.Exp(value), _shown.Least, _shown.Most))]
        );
    }

    private static (double Least, double Most) RatiosOf(Extent[] boxes)
    {
        var ratios = boxes.Select(box => box.Height / box.Width).DefaultIfEmpty(1).ToArray();
        return (ratios.Min(), ratios.Max());
    }

    private static Extent[] Clusters(Extent[] squares, int count, RandomSource random)
    {
        // From evenly spaced ranks of area: the same every time, and none empty at first.
        var sorted = squares.OrderBy(box => box.Width * box.Height).ToArray();
        var centers = Enumerable.Range(0, count).Select(i => sorted[(int)((i + 0.5) * sorted.Length / count)]).ToArray();
        var owners = new int[squares.Length];
        for (var round = 0; round < Rounds; round++)
        {
            Parallel.For(
                0,
                squares.Length,
                i =>
                {
                    var best = -1.0;
                    for (var c = 0; c < count; c++)
                        if (squares[i].Overlap(centers[c]) is var overlap && overlap > best)
                            (best, owners[i]) = (overlap, c);
                }
            );
            var moved = centers
                .Select((center, c) => squares.Where((box, i) => owners[i] == c).ToArray())
                .Select(own =>
                    own.Length == 0
                        ? squares[random.Next(squares.Length)]
                        : new Extent(Median(own.Select(box => box.Width)), Median(own.Select(box => box.Height)))
                )
                .ToArray();
            if (moved.SequenceEqual(centers))
                break;
            centers = moved;
        }
        return centers;
    }

    private double[] RatioClusters(RandomSource random)
    {
        var logs = _boxes.Extents.Select(box => Math.Log(box.Height / box.Width)).Order().ToArray();
        var centers = Enumerable.Range(0, _ratios).Select(i => logs[(int)((i + 0.5) * logs.Length / _ratios)]).ToArray();
        for (var round = 0; round < Rounds; round++)
        {
            var groups = logs.ToLookup(value => Array.IndexOf(centers, centers.MinBy(center => Math.Abs(center - value))));
            centers = [.. centers.Select((_, c) => groups[c].Any() ? groups[c].Average() : logs[random.Next(logs.Length)])];
        }
        return [.. centers.Order().Select(value => Math.Exp(value))];
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
