using static Tessera.Tests.Models.Losses.PixelDefinitions;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses;

/// <summary>Region mutual information from its definition: loops over pixels, in doubles.</summary>
internal static class RmiDefinition
{
    internal static double Rmi(Example e, int radius, int stride, bool max, double lambda)
    {
        var entropy =
            e.Valid().Sum(pixel => Enumerable.Range(0, Classes).Sum(c => -Math.Log(pixel.Label == c ? pixel.P[c] : 1 - pixel.P[c])))
            / e.Valid().Length;
        var information = Enumerable
            .Range(0, 2)
            .Where(image => e.Valid().Any(pixel => pixel.Image == image))
            .Average(image => Enumerable.Range(0, Classes).Sum(c => Information(e, radius, stride, max, image, c)));
        return (lambda * entropy) + ((1 - lambda) * information);
    }

    private static double Information(Example e, int radius, int stride, bool max, int image, int c)
    {
        var size = radius * radius;
        var truth = Points(e, radius, stride, max, image, pixel => pixel.Label == c ? 1 : 0);
        var guess = Points(e, radius, stride, max, image, pixel => pixel.Label == 255 ? 1e-6 : pixel.P[c] + 1e-6);
        var (yy, pp, yp) = (Product(truth, truth), Product(guess, guess), Product(truth, guess));
        for (var i = 0; i < size; i++)
            pp[i, i] += 1e-3;
        // Σ_P⁻¹ Σ_YPᵀ column by column, by Gauss
        var solved = Solve(pp, yp);
        var rest = new double[size, size];
        for (var i = 0; i < size; i++)
        for (var j = 0; j < size; j++)
            rest[i, j] = yy[i, j] - Enumerable.Range(0, size).Sum(k => yp[i, k] * solved[k, j]) + (i == j ? 1e-3 : 0);
        return 0.5 * LogDeterminant(rest) / size;
    }

    /// <summary>The values of every window of radius × radius, less their means.</summary>
    private static double[][] Points(Example e, int radius, int stride, bool max, int image, Func<Pixel, double> value)
    {
        var size = radius * radius;
        var map = new double[e.Height, e.Width];
        for (var y = 0; y < e.Height; y++)
        for (var x = 0; x < e.Width; x++)
            map[y, x] = value(e.At(image, y, x));
        if (stride > 1)
            map = Pool(map, stride, max);
        var points = new List<double[]>();
        for (var y = 0; y + radius <= map.GetLength(0); y++)
        for (var x = 0; x + radius <= map.GetLength(1); x++)
            points.Add([.. from dy in Enumerable.Range(0, radius) from dx in Enumerable.Range(0, radius) select map[y + dy, x + dx]]);
        for (var d = 0; d < size; d++)
        {
            var mean = points.Average(point => point[d]);
            foreach (var point in points)
                point[d] -= mean;
        }
        return [.. points];
    }

    private static double[,] Pool(double[,] map, int stride, bool max)
    {
        var pad = stride / 2;
        var (height, width) = (
            ((map.GetLength(0) + (2 * pad) - stride) / stride) + 1,
            ((map.GetLength(1) + (2 * pad) - stride) / stride) + 1
        );
        var pooled = new double[height, width];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var window =
                    from v in Enumerable.Range((y * stride) - pad, stride)
                    from u in Enumerable.Range((x * stride) - pad, stride)
                    where v >= 0 && u >= 0 && v < map.GetLength(0) && u < map.GetLength(1)
                    select map[v, u];
                pooled[y, x] = max ? window.Max() : window.Sum() / (stride * stride); // padding counts as zeros
            }
        }
        return pooled;
    }

    private static double[,] Product(double[][] a, double[][] b)
    {
        var size = a[0].Length;
        var product = new double[size, size];
        for (var i = 0; i < size; i++)
        for (var j = 0; j < size; j++)
            product[i, j] = a.Zip(b).Sum(pair => pair.First[i] * pair.Second[j]);
        return product;
    }

    /// <summary>A⁻¹ Bᵀ.</summary>
    private static double[,] Solve(double[,] a, double[,] b)
    {
        var size = a.GetLength(0);
        var (left, right) = ((double[,])a.Clone(), new double[size, size]);
        for (var i = 0; i < size; i++)
        for (var j = 0; j < size; j++)
            right[i, j] = b[j, i];
        for (var pivot = 0; pivot < size; pivot++)
        {
            for (var row = 0; row < size; row++)
            {
                if (row == pivot)
                    continue;
                var factor = left[row, pivot] / left[pivot, pivot]; // positive definite: no need to exchange rows
                for (var j = 0; j < size; j++)
                    (left[row, j], right[row, j]) = (left[row, j] - (factor * left[pivot, j]), right[row, j] - (factor * right[pivot, j]));
            }
        }
        for (var i = 0; i < size; i++)
        for (var j = 0; j < size; j++)
            right[i, j] /= left[i, i];
        return right;
    }

    private static double LogDeterminant(double[,] a)
    {
        var (left, log) = ((double[,])a.Clone(), 0.0);
        for (var pivot = 0; pivot < left.GetLength(0); pivot++)
        {
            log += Math.Log(left[pivot, pivot]);
            for (var row = pivot + 1; row < left.GetLength(0); row++)
            {
                var factor = left[row, pivot] / left[pivot, pivot];
                for (var j = pivot; j < left.GetLength(0); j++)
                    left[row, j] -= factor * left[pivot, j];
            }
        }
        return log;
    }
}
