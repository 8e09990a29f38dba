namespace Tessera.Datasets.Corruptions;

/// <summary>How light plays on drops: bright within them, with an edge on one side.</summary>
/// <remarks>The steps are those that the benchmark takes with OpenCV: edges (Canny), distances to them (5 x 5 chamfer), equalised, and
/// embossed.</remarks>
internal static class DropLight
{
    private const double Furthest = 20;

    private static readonly double[,] s_all =
    {
        { 1, 1, 1 },
        { 1, 1, 1 },
        { 1, 1, 1 },
    };
    private static readonly int[,] s_emboss =
    {
        { -2, -1, 0 },
        { -1, 1, 1 },
        { 0, 1, 2 },
    };

    /// <returns>[height * width], grey levels.</returns>
    public static byte[] Of(byte[] drops, int height, int width)
    {
        var distances = Distances(CannyEdges.Of(drops, height, width, 50, 150), height, width);
        var near = Array.ConvertAll(distances, distance => Math.Min(distance, Furthest));
        var sums = Planes.Filter(near, height, width, s_all);
        var levels = Equalised(Array.ConvertAll(sums, sum => (byte)(float)(sum * (1.0 / 9)))); // a mean that is whole stays so
        return Blurred(Embossed(levels, height, width), height, width);
    }

    /// <summary>To the nearest edge, by steps of 1, 1.4 (diagonal) and 2.1969 (a knight's).</summary>
    private static double[] Distances(bool[] edges, int height, int width)
    {
        const double side = 1,
            diagonal = 1.4,
            knight = 2.1969;
        (int Y, int X, double Cost)[] steps =
        [
            (-2, -1, knight),
            (-2, 1, knight),
            (-1, -2, knight),
            (-1, -1, diagonal),
            (-1, 0, side),
            (-1, 1, diagonal),
            (-1, 2, knight),
            (0, -1, side),
        ];
        var distances = Array.ConvertAll(edges, isEdge => isEdge ? 0 : 1e9);
        for (var pass = 0; pass < 2; pass++)
        {
            var sign = pass == 0 ? 1 : -1;
            for (var i = 0; i < distances.Length; i++)
            {
                var at = pass == 0 ? i : distances.Length - 1 - i;
                var (y, x) = Math.DivRem(at, width);
                foreach (var (dy, dx, cost) in steps)
                {
                    var (fromY, fromX) = (y + (sign * dy), x + (sign * dx));
                    if (fromY >= 0 && fromY < height && fromX >= 0 && fromX < width)
                        distances[at] = Math.Min(distances[at], distances[(fromY * width) + fromX] + cost);
                }
            }
        }
        return distances;
    }

    /// <summary>Grey levels spread so that each is about as frequent.</summary>
    private static byte[] Equalised(byte[] levels)
    {
        var counts = new int[256];
        foreach (var level in levels)
            counts[level]++;
        var first = Array.FindIndex(counts, count => count > 0);
        if (counts[first] == levels.Length)
            return levels;
        var scale = 255f / (levels.Length - counts[first]);
        var table = new byte[256];
        var sum = 0;
        for (var level = first + 1; level < 256; level++)
        {
            sum += counts[level];
            table[level] = (byte)Math.Clamp(Math.Round(sum * scale), 0, 255);
        }
        return Array.ConvertAll(levels, level => table[level]);
    }

    private static byte[] Embossed(byte[] levels, int height, int width) =>
        Neighbourhood(height, width, (y, x) => Sum(levels, height, width, y, x, s_emboss));

    private static byte[] Blurred(byte[] levels, int height, int width)
    {
        int[,] all =
        {
            { 1, 1, 1 },
            { 1, 1, 1 },
            { 1, 1, 1 },
        };
        return Neighbourhood(height, width, (y, x) => Sum(levels, height, width, y, x, all) / 9.0);
    }

    private static byte[] Neighbourhood(int height, int width, Func<int, int, double> of)
    {
        var result = new byte[height * width];
        for (var y = 0; y < height; y++)
        for (var x = 0; x < width; x++)
            result[(y * width) + x] = (byte)Math.Clamp(Math.Round(of(y, x)), 0, 255);
        return result;
    }

    private static double Sum(byte[] levels, int height, int width, int y, int x, int[,] weights)
    {
        var sum = 0;
        for (var dy = -1; dy <= 1; dy++)
        for (var dx = -1; dx <= 1; dx++)
            sum += weights[dy + 1, dx + 1] * levels[(Planes.Mirrored(y + dy, height) * width) + Planes.Mirrored(x + dx, width)];
        return sum;
    }
}
