using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>A matrix without negative values as a product of two narrow ones without negative values: V ≈ W H.</summary>
/// <remarks>Cichocki and Phan, "Fast Local Algorithms for Large Scale Nonnegative Matrix and Tensor Factorizations", 2009: columns of W
/// and rows of H take turns at their least squares (HALS). It starts from the singular vectors (Boutsidis and Gallopoulos, "SVD based
/// initialization", 2008), without chance, so that the order of rows and columns does not matter; it ends in a local optimum.</remarks>
internal static class NonnegativeFactors
{
    private const double Enough = 1e-8; // of a round, relative to the first: nothing more to win

    /// <param name="v">[n, C], not negative, float64.</param>
    /// <returns>W, [n, k], and H, [k, C], float64, of the caller's dispose scope. Components beyond the rank of V are 0.</returns>
    public static (Tensor W, Tensor H) Of(Tensor v, int components, int rounds)
    {
        using var scope = NewDisposeScope();
        var (w, h) = Start(v, components); // of each component a column of W, a row of H
        var first = 0.0;
        for (var round = 0; round < rounds; round++)
        {
            using var inner = NewDisposeScope();
            var change = Improve(w, Matrix(h, v).matmul(v.t()), h) + Improve(h, Matrix(w, v).matmul(v), w);
            first = Math.Max(first, change);
            if (change <= Enough * first)
                break;
        }
        return (scope.MoveToOuter(Matrix(w, v).t().contiguous()), scope.MoveToOuter(Matrix(h, v).alias()));
    }

    private static Tensor Matrix(double[][] factor, Tensor like) =>
        tensor(factor.SelectMany(row => row).ToArray()).view(factor.Length, -1).to(like.device);

    // Of each pair of singular vectors the positive or the negative parts, whichever are larger.
    private static (double[][] W, double[][] H) Start(Tensor v, int components)
    {
        using var scope = NewDisposeScope();
        var (left, values, right) = linalg.svd(v, fullMatrices: false);
        var (w, h) = (new double[components][], new double[components][]);
        for (var k = 0; k < components; k++)
        {
            (w[k], h[k]) = (new double[v.shape[0]], new double[v.shape[1]]);
            if (k >= values.shape[0])
                continue;
            var (u, z) = (left.select(1, k).contiguous().Values<double>(), right[k].contiguous().Values<double>());
            var (positive, negative) = (Part(u, z, 1), Part(u, z, -1));
            var (column, row, size) = positive.Size >= negative.Size ? positive : negative;
            if (size == 0)
                continue;
            var scale = Math.Sqrt(values[k].cpu().item<double>() * size);
            (w[k], h[k]) = (Scaled(column, scale), Scaled(row, scale));
        }
        return (w, h);
    }

    // Size: the product of both lengths.
    private static (double[] Left, double[] Right, double Size) Part(double[] left, double[] right, int sign)
    {
        var (u, z) = (Array.ConvertAll(left, x => Math.Max(0, sign * x)), Array.ConvertAll(right, x => Math.Max(0, sign * x)));
        return (u, z, Math.Sqrt(Dot(u, u) * Dot(z, z)));
    }

    private static double[] Scaled(double[] vector, double length)
    {
        var factor = length / Math.Sqrt(Dot(vector, vector));
        return Array.ConvertAll(vector, x => x * factor);
    }

    // One turn: each vector of a factor becomes the least squares of what the others leave, cut off at 0.
    private static double Improve(double[][] factor, Tensor products, double[][] other)
    {
        var projected = products.cpu().contiguous().Values<double>(); // [k, length]
        var change = 0.0;
        for (var k = 0; k < factor.Length; k++)
        {
            var own = Dot(other[k], other[k]);
            if (own == 0)
                continue;
            var shared = other.Select(vector => Dot(other[k], vector)).ToArray();
            for (var i = 0; i < factor[k].Length; i++)
            {
                var left = projected[(k * factor[k].Length) + i];
                for (var j = 0; j < factor.Length; j++)
                    left -= shared[j] * factor[j][i];
                var next = Math.Max(0, factor[k][i] + (left / own));
                change += (next - factor[k][i]) * (next - factor[k][i]) * own;
                factor[k][i] = next;
            }
        }
        return change;
    }

    private static double Dot(double[] a, double[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
