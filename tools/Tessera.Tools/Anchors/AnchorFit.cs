using Tessera.Framework.Data;

namespace Tessera.Tools.Anchors;

/// <summary>Width and height of a box or an anchor.</summary>
internal readonly record struct Extent(double Width, double Height)
{
    /// <summary>The overlap of two with one centre.</summary>
    public double Overlap(Extent other)
    {
        var shared = Math.Min(Width, other.Width) * Math.Min(Height, other.Height);
        return shared / (Width * Height + other.Width * other.Height - shared);
    }
}

/// <summary>Sides of each map's anchors, in pixels and rising, and the ratios that all maps share: what AnchorGenerator's "sizes" and "ratios" take.</summary>
internal sealed record AnchorShapes(double[][] Sizes, double[] Ratios)
{
    public Extent[] Extents() => [.. Sizes.SelectMany(sides => sides).SelectMany(side => Ratios.Select(ratio => new Extent(side / Math.Sqrt(ratio), side * Math.Sqrt(ratio))))];

    /// <summary>As they are printed.</summary>
    public AnchorShapes Rounded() => new([.. Sizes.Select(sides => sides.Select(side => Math.Max(Math.Round(side, 1), 0.1)).ToArray())], [.. Ratios.Select(ratio => Math.Max(Math.Round(ratio, 2), 0.01))]);
}

/// <summary>Fits anchors to boxes: each box should have one that overlaps it well.</summary>
/// <remarks>
/// k-means with 1 - IoU for a distance: Redmon and Farhadi, "YOLO9000", 2016, arXiv:1612.08242; differential evolution (rand/1/bin):
/// Storn and Price, Journal of Global Optimization 11, 1997. Positions aren't looked at: anchor and box share their centre.
/// </remarks>
internal sealed class AnchorFit(Extent[] boxes, int maps, int sizes, int ratios, long seed)
{
    private const int MostForEvolution = 4000, Members = 48, Rounds = 30;
    private const double Weight = 0.6, Crossover = 0.8;

    /// <summary>Each box's best overlap with an anchor, on average, and how many boxes have one above each of the thresholds.</summary>
    public static (double Mean, double[] Recall) Measure(Extent[] boxes, Extent[] anchors, params ReadOnlySpan<double> thresholds)
    {
        var (sum, above) = (0.0, new double[thresholds.Length]);
        foreach (var box in boxes)
        {
            var best = Best(box, anchors);
            sum += best;
            for (var i = 0; i < thresholds.Length; i++)
                if (best >= thresholds[i]) above[i]++;
        }
        return (sum / boxes.Length, [.. above.Select(count => count / boxes.Length)]);
    }

    /// <summary>Clusters of the squares of the boxes' areas: their sides, dealt to the maps from small to large, and clusters of their ratios.</summary>
    public AnchorShapes KMeans()
    {
        var random = new RandomSource((ulong)seed);
        var squares = boxes.Select(box => Math.Sqrt(box.Width * box.Height)).Select(side => new Extent(side, side)).ToArray();
        var sides = Clusters(squares, maps * sizes, random).Select(center => center.Width).Order().ToArray();
        return new AnchorShapes([.. sides.Chunk(sizes)], RatioClusters(random));
    }

    /// <summary>Sides and ratios together, bred from given ones for the best mean overlap.</summary>
    /// <param name="advance">Told of generations done, and in all.</param>
    public AnchorShapes Evolve(IReadOnlyList<AnchorShapes> from, int generations, Action<int, int>? advance = null)
    {
        var random = new RandomSource((ulong)seed + 1);
        var few = boxes.Length <= MostForEvolution ? boxes : [.. random.Permutation(boxes.Length).Take(MostForEvolution).Select(i => boxes[i])];
        var starts = from.Where(shapes => shapes.Sizes.Length == maps && shapes.Sizes.All(sides => sides.Length == sizes) && shapes.Ratios.Length == ratios).Select(Genes).ToArray();
        var members = new double[Members][];
        for (var i = 0; i < Members; i++)
            members[i] = i < starts.Length ? starts[i] : i % 2 == 0 ? Drawn(random) : [.. starts[i % starts.Length].Select(gene => gene + 0.3 * random.Normal())];
        var scores = new double[Members];
        Parallel.For(0, Members, i => scores[i] = Score(few, members[i]));
        for (var generation = 0; generation < generations; generation++)
        {
            var trials = new double[Members][];
            for (var i = 0; i < Members; i++) trials[i] = Trial(members, i, random);
            Parallel.For(0, Members, i =>
            {
                var score = Score(few, trials[i]);
                if (score >= scores[i]) (members[i], scores[i]) = (trials[i], score);
            });
            advance?.Invoke(generation + 1, generations);
        }
        return Shapes(members[Array.IndexOf(scores, scores.Max())]);
    }

    private static double Best(Extent box, Extent[] anchors)
    {
        var best = 0.0;
        foreach (var anchor in anchors) best = Math.Max(best, box.Overlap(anchor));
        return best;
    }

    private double[] Trial(double[][] members, int of, RandomSource random)
    {
        int a, b, c;
        do (a, b, c) = (random.Next(Members), random.Next(Members), random.Next(Members));
        while (a == of || b == of || c == of || a == b || b == c || a == c);
        var trial = (double[])members[of].Clone();
        var forced = random.Next(trial.Length);
        for (var g = 0; g < trial.Length; g++)
            if (g == forced || random.Chance(Crossover)) trial[g] = Math.Clamp(members[a][g] + Weight * (members[b][g] - members[c][g]), -12, 12);
        return trial;
    }

    private double Score(Extent[] few, double[] genes) => Measure(few, Shapes(genes).Extents()).Mean;

    private static double[] Genes(AnchorShapes shapes) => [.. shapes.Sizes.SelectMany(sides => sides).Concat(shapes.Ratios).Select(value => Math.Log(value))];

    /// <summary>Sides and ratios of boxes drawn at random.</summary>
    private double[] Drawn(RandomSource random) => [.. Enumerable.Range(0, maps * sizes + ratios).Select(gene =>
    {
        var box = boxes[random.Next(boxes.Length)];
        return gene < maps * sizes ? Math.Log(box.Width * box.Height) / 2 : Math.Log(box.Height / box.Width);
    })];

    private AnchorShapes Shapes(double[] genes)
    {
        var sides = genes.Take(maps * sizes).Order().Select(value => Math.Exp(value));
        return new AnchorShapes([.. sides.Chunk(sizes)], [.. genes.Skip(maps * sizes).Order().Select(value => Math.Exp(value))]);
    }

    private static Extent[] Clusters(Extent[] squares, int count, RandomSource random)
    {
        // From evenly spaced ranks of area: the same every time, and none empty at first.
        var sorted = squares.OrderBy(box => box.Width * box.Height).ToArray();
        var centers = Enumerable.Range(0, count).Select(i => sorted[(int)((i + 0.5) * sorted.Length / count)]).ToArray();
        var owners = new int[squares.Length];
        for (var round = 0; round < Rounds; round++)
        {
            Parallel.For(0, squares.Length, i =>
            {
                var best = -1.0;
                for (var c = 0; c < count; c++)
                    if (squares[i].Overlap(centers[c]) is var overlap && overlap > best) (best, owners[i]) = (overlap, c);
            });
            var moved = centers.Select((center, c) => squares.Where((box, i) => owners[i] == c).ToArray())
                .Select(own => own.Length == 0 ? squares[random.Next(squares.Length)] : new Extent(Median(own.Select(box => box.Width)), Median(own.Select(box => box.Height)))).ToArray();
            if (moved.SequenceEqual(centers)) break;
            centers = moved;
        }
        return centers;
    }

    private double[] RatioClusters(RandomSource random)
    {
        var logs = boxes.Select(box => Math.Log(box.Height / box.Width)).Order().ToArray();
        var centers = Enumerable.Range(0, ratios).Select(i => logs[(int)((i + 0.5) * logs.Length / ratios)]).ToArray();
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
