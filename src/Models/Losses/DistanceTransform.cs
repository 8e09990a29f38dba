namespace Tessera.Models.Losses;

/// <summary>Exact Euclidean distances on a grid.</summary>
/// <remarks>Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 8, 2012: linear in the
/// pixels.</remarks>
internal static class DistanceTransform
{
    /// <summary>The squared distance of each pixel to the nearest one in the mask, [H * W].</summary>
    /// <param name="mask">[H * W], not empty.</param>
    public static long[] Squared(ReadOnlySpan<bool> mask, int height, int width)
    {
        var far = height + width; // further than any two pixels are apart
        var down = new int[mask.Length]; // distance along the column
        for (var x = 0; x < width; x++)
        {
            var distance = far;
            for (var y = 0; y < height; y++)
            {
                distance = mask[(y * width) + x] ? 0 : Math.Min(distance + 1, far);
                down[(y * width) + x] = distance;
            }
            for (var y = height - 1; y >= 0; y--)
            {
                distance = Math.Min(distance + 1, down[(y * width) + x]);
                down[(y * width) + x] = distance;
            }
        }

        var result = new long[mask.Length];
        var lowest = new int[width]; // the parabolas of the lower envelope, by their centres
        var start = new double[width + 1]; // where each begins to be the lowest
        for (var y = 0; y < height; y++)
            Row(down.AsSpan(y * width, width), result.AsSpan(y * width, width), lowest, start);
        return result;
    }

    private static void Row(ReadOnlySpan<int> column, Span<long> result, Span<int> lowest, Span<double> start)
    {
        var last = 0;
        (lowest[0], start[0], start[1]) = (0, double.NegativeInfinity, double.PositiveInfinity);
        for (var x = 1; x < column.Length; x++)
        {
            var meets = Meet(column, lowest[last], x);
            while (meets <= start[last])
                meets = Meet(column, lowest[--last], x);
            (lowest[++last], start[last], start[last + 1]) = (x, meets, double.PositiveInfinity);
        }
        for (int x = 0, i = 0; x < column.Length; x++)
        {
            while (start[i + 1] < x)
                i++;
            long across = x - lowest[i],
                along = column[lowest[i]];
            result[x] = (across * across) + (along * along);
        }
    }

    /// <summary>Where the parabola around b gets lower than that around a, a &lt; b.</summary>
    private static double Meet(ReadOnlySpan<int> column, int a, int b)
    {
        long first = column[a],
            second = column[b];
        return ((second * second) + ((long)b * b) - (first * first) - ((long)a * a)) / (2.0 * (b - a));
    }
}
