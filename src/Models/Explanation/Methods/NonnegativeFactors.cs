using Tessera.Framework.Data;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>A matrix without negative values as a product of two narrow ones without negative values: V ≈ W H.</summary>
/// <remarks>Cichocki and Phan, "Fast Local Algorithms for Large Scale Nonnegative Matrix and Tensor Factorizations", 2009: columns of W and rows
/// of H take turns at their least squares (HALS). It ends in a local optimum, which the seed decides.</remarks>
internal static class NonnegativeFactors
{
    private const double Enough = 1e-6; // of a round, relative to the first: nothing more to win

    /// <param name="v">[n, C], not negative, float64.</param>
    /// <returns>W, [n, k], and H, [k, C], float64, of the caller's dispose scope.</returns>
    public static (Tensor W, Tensor H) Of(Tensor v, int components, int rounds, long seed)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = ((int)v.shape[0], (int)v.shape[1]);
        var random = RandomSource.For(seed, 0, 0);
        var size = Math.Sqrt(Math.Max(v.mean([0, 1]).cpu().item<double>(), 1e-30) / components);
        var (w, h) = (Start(rows), Start(columns)); // of each component a column of W, a row of H
        var first = 0.0;
        for (var round = 0; round < rounds; round++)
        {
            using var inner = NewDisposeScope();
            var change = Improve(w, v.matmul(Matrix(h).t()).t(), h) + Improve(h, Matrix(w).matmul(v), w);
            first = Math.Max(first, change);
            if (change <= Enough * first)
                break;
        }
        return (scope.MoveToOuter(Matrix(w).t().contiguous()), scope.MoveToOuter(Matrix(h).alias()));

        double[][] Start(int length) =>
            [.. Enumerable.Range(0, components).Select(_ => Enumerable.Range(0, length).Select(_ => size * random.NextDouble()).ToArray())];

        Tensor Matrix(double[][] factor) => tensor(factor.SelectMany(row => row).ToArray()).view(components, -1).to(v.device);
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
