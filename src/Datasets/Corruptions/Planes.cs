namespace Tessera.Datasets.Corruptions;

/// <summary>Filters of single planes, [height * width].</summary>
internal static class Planes
{
    /// <summary>A normalised Gaussian, cut off at some standard deviations; at the border the nearest pixel is repeated, or the plane
    /// mirrored with its border pixel doubled.</summary>
    public static double[] Gaussian(
        double[] plane,
        int height,
        int width,
        (double Y, double X) sigma,
        double cutOff = 4,
        bool mirrored = false
    )
    {
        var down = Along(plane, height, width, Kernel(sigma.Y, cutOff), vertical: true, mirrored);
        return Along(down, height, width, Kernel(sigma.X, cutOff), vertical: false, mirrored);
    }

    public static double[] Gaussian(double[] plane, int height, int width, double sigma) => Gaussian(plane, height, width, (sigma, sigma));

    private static double[] Kernel(double sigma, double cutOff)
    {
        var radius = (int)((cutOff * sigma) + 0.5);
        var kernel = new double[(2 * radius) + 1];
        for (var i = -radius; i <= radius; i++)
            kernel[i + radius] = radius == 0 ? 1 : Math.Exp(-0.5 / (sigma * sigma) * i * i);
        var sum = kernel.Sum();
        return Array.ConvertAll(kernel, weight => weight / sum);
    }

    private static double[] Along(double[] plane, int height, int width, double[] kernel, bool vertical, bool mirrored)
    {
        var (radius, length) = (kernel.Length / 2, vertical ? height : width);
        var sources = new int[length + (2 * radius)];
        for (var i = 0; i < sources.Length; i++)
            sources[i] = mirrored ? Doubled(i - radius, length) : Math.Clamp(i - radius, 0, length - 1);
        var result = new double[plane.Length];
        for (var y = 0; y < height; y++)
        for (var x = 0; x < width; x++)
        {
            var (sum, at) = (0.0, vertical ? y : x);
            for (var k = 0; k < kernel.Length; k++)
                sum += kernel[k] * (vertical ? plane[(sources[at + k] * width) + x] : plane[(y * width) + sources[at + k]]);
            result[(y * width) + x] = sum;
        }
        return result;
    }

    /// <summary>A place beyond the border, mirrored with the border pixel doubled: d c b a | a b c d.</summary>
    public static int Doubled(int at, int length)
    {
        var period = 2 * length;
        at = ((at % period) + period) % period;
        return at < length ? at : period - 1 - at;
    }

    /// <summary>A place beyond the border, mirrored about the border pixel: d c b | a b c d.</summary>
    public static int Mirrored(int at, int length)
    {
        if (length == 1)
            return 0;
        var period = 2 * (length - 1);
        at = ((at % period) + period) % period;
        return at < length ? at : period - at;
    }

    /// <summary>A filter's sum (correlation), mirrored about the border pixels.</summary>
    /// <param name="kernel">[size, size], odd.</param>
    public static double[] Filter(double[] plane, int height, int width, double[,] kernel)
    {
        var radius = kernel.GetLength(0) / 2;
        var taps = new List<(int Y, int X, double Weight)>();
        for (var y = -radius; y <= radius; y++)
        for (var x = -radius; x <= radius; x++)
            if (kernel[y + radius, x + radius] != 0)
                taps.Add((y, x, kernel[y + radius, x + radius]));
        var result = new double[plane.Length];
        for (var y = 0; y < height; y++)
        for (var x = 0; x < width; x++)
        {
            var (sum, inside) = (0.0, y >= radius && x >= radius && y < height - radius && x < width - radius);
            foreach (var (dy, dx, weight) in taps)
                sum +=
                    weight
                    * (inside ? plane[((y + dy) * width) + x + dx] : plane[(Mirrored(y + dy, height) * width) + Mirrored(x + dx, width)]);
            result[(y * width) + x] = sum;
        }
        return result;
    }

    /// <summary>The middle of a plane enlarged to at least its own size, bilinearly, corner on corner.</summary>
    /// <returns>Rows and columns may be one more than before.</returns>
    public static (double[] Plane, int Height, int Width) Enlarged(double[] plane, int height, int width, double factor)
    {
        var (rows, columns) = ((int)Math.Ceiling(height / factor), (int)Math.Ceiling(width / factor));
        var (top, left) = ((height - rows) / 2, (width - columns) / 2);
        var (newRows, newColumns) = ((int)Math.Round(rows * factor), (int)Math.Round(columns * factor));
        var result = new double[newRows * newColumns];
        for (var y = 0; y < newRows; y++)
        {
            var (y0, y1, fy) = Between(y, rows, newRows);
            for (var x = 0; x < newColumns; x++)
            {
                var (x0, x1, fx) = Between(x, columns, newColumns);
                var above = (At(y0, x0) * (1 - fx)) + (At(y0, x1) * fx);
                var below = (At(y1, x0) * (1 - fx)) + (At(y1, x1) * fx);
                result[(y * newColumns) + x] = (above * (1 - fy)) + (below * fy);
            }
        }
        return (result, newRows, newColumns);

        double At(int y, int x) => plane[((top + y) * width) + left + x];

        static (int Low, int High, double Part) Between(int at, int count, int newCount)
        {
            var place = newCount > 1 ? at * ((count - 1.0) / (newCount - 1)) : 0;
            var low = Math.Min((int)place, count - 1);
            return (low, Math.Min(low + 1, count - 1), Math.Min(place, count - 1) - low);
        }
    }

    /// <summary>A plane that moved while it was exposed: copies along a line, the later the fainter; border pixels repeated.</summary>
    public static double[] Motion(double[] plane, int height, int width, int radius, double sigma, double degrees)
    {
        var count = (2 * radius) + 1;
        var weights = new double[count];
        for (var i = 0; i < count; i++)
            weights[i] = Math.Exp(-((double)i * i) / (2 * sigma * sigma));
        var sum = weights.Sum();
        var (rise, run) = (count * Math.Sin(degrees * Math.PI / 180), count * Math.Cos(degrees * Math.PI / 180));
        var length = Math.Sqrt((rise * rise) + (run * run));
        var result = new double[plane.Length];
        for (var i = 0; i < count; i++)
        {
            var (dy, dx) = (-(int)Math.Ceiling((i * rise / length) - 0.5), -(int)Math.Ceiling((i * run / length) - 0.5));
            if (Math.Abs(dy) >= height || Math.Abs(dx) >= width)
                break; // it left the image
            var weight = weights[i] / sum;
            for (var y = 0; y < height; y++)
            {
                var row = Math.Clamp(y - dy, 0, height - 1) * width;
                for (var x = 0; x < width; x++)
                    result[(y * width) + x] += weight * plane[row + Math.Clamp(x - dx, 0, width - 1)];
            }
        }
        return result;
    }
}
