namespace Tessera.Datasets.Corruptions;

/// <summary>Edges of a grey plane.</summary>
/// <remarks>Canny, "A Computational Approach to Edge Detection", 1986, with OpenCV's choices: Sobel's 3 x 3 derivatives over a border of
/// repeated pixels, the sum of their magnitudes, and directions told apart at 22.5 degrees.</remarks>
internal static class CannyEdges
{
    private const double Slope = 0.4142135623730950488; // tan 22.5 degrees

    /// <param name="low">A thin edge goes on where it is stronger than this …</param>
    /// <param name="high">… and begins where it is stronger than this.</param>
    public static bool[] Of(byte[] plane, int height, int width, int low, int high)
    {
        var (across, down, strength) = Derivatives(plane, height, width);
        var (edges, thin) = (new bool[plane.Length], new bool[plane.Length]);
        var strong = new Stack<int>();
        for (var i = 0; i < plane.Length; i++)
        {
            if (strength[i] <= low || !IsRidge(i))
                continue;
            thin[i] = true;
            if (strength[i] > high)
                strong.Push(i);
        }
        while (strong.TryPop(out var i))
        {
            if (edges[i])
                continue;
            edges[i] = true;
            var (y, x) = Math.DivRem(i, width);
            for (var dy = -1; dy <= 1; dy++)
            for (var dx = -1; dx <= 1; dx++)
                if (y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width && thin[i + (dy * width) + dx])
                    strong.Push(i + (dy * width) + dx);
        }
        return edges;

        // Stronger than both neighbours across the edge.
        bool IsRidge(int i)
        {
            var (y, x) = Math.DivRem(i, width);
            var (ax, ay) = (Math.Abs(across[i]), Math.Abs(down[i]));
            if (ay < ax * Slope)
                return strength[i] > At(y, x - 1) && strength[i] >= At(y, x + 1);
            if (ay > ax * (Slope + 2))
                return strength[i] > At(y - 1, x) && strength[i] >= At(y + 1, x);
            var side = (across[i] ^ down[i]) < 0 ? -1 : 1;
            return strength[i] > At(y - 1, x - side) && strength[i] > At(y + 1, x + side);
        }

        int At(int y, int x) => y >= 0 && y < height && x >= 0 && x < width ? strength[(y * width) + x] : 0;
    }

    private static (int[] Across, int[] Down, int[] Strength) Derivatives(byte[] plane, int height, int width)
    {
        var (across, down, strength) = (new int[plane.Length], new int[plane.Length], new int[plane.Length]);
        for (var y = 0; y < height; y++)
        for (var x = 0; x < width; x++)
        {
            var i = (y * width) + x;
            across[i] = At(y - 1, x + 1) + (2 * At(y, x + 1)) + At(y + 1, x + 1) - At(y - 1, x - 1) - (2 * At(y, x - 1)) - At(y + 1, x - 1);
            down[i] = At(y + 1, x - 1) + (2 * At(y + 1, x)) + At(y + 1, x + 1) - At(y - 1, x - 1) - (2 * At(y - 1, x)) - At(y - 1, x + 1);
            strength[i] = Math.Abs(across[i]) + Math.Abs(down[i]);
        }
        return (across, down, strength);

        int At(int y, int x) => plane[(Math.Clamp(y, 0, height - 1) * width) + Math.Clamp(x, 0, width - 1)];
    }
}
