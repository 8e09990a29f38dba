using Tessera.Framework.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Generation;

/// <summary>How much of what one set of vectors covers another covers, too: precision, the share of generated images that lie where real
/// ones do, and recall, the share of real ones that lie where generated ones do.</summary>
/// <remarks>Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models", 2019, arXiv:1904.06991: a set
/// covers the balls around its vectors that reach to their k-th nearest neighbours.</remarks>
/// <param name="Precision">In [0, 1].</param>
/// <param name="Recall">In [0, 1].</param>
public sealed record SetOverlap(double Precision, double Recall)
{
    private const int Rows = 256;

    /// <param name="real">[N, D].</param>
    /// <param name="generated">[M, D].</param>
    /// <param name="neighbors">k.</param>
    /// <exception cref="UserErrorException">A set has not more than k vectors.</exception>
    public static SetOverlap Of(Tensor real, Tensor generated, int neighbors = 3)
    {
        if (Math.Min(real.shape[0], generated.shape[0]) <= neighbors)
            throw new UserErrorException(
                $"{real.shape[0]} real and {generated.shape[0]} generated images: with {neighbors} neighbours, both need more than that."
            );
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var (first, second) = (real.to(ScalarType.Float64), generated.to(ScalarType.Float64));
        return new SetOverlap(Covered(first, second, neighbors), Covered(second, first, neighbors));
    }

    /// <summary>The share of vectors that lie in some ball of the others.</summary>
    private static double Covered(Tensor others, Tensor vectors, int neighbors)
    {
        // Its own distance, 0, is among them.
        var radii = cat([.. Blocks(others).Select(block => Distances(block, others).kthvalue(neighbors + 1, 1).values)], 0);
        var inside = 0L;
        foreach (var block in Blocks(vectors))
        {
            using var scope = NewDisposeScope();
            inside += radii.unsqueeze(0).ge(Distances(block, others)).any(1).to(ScalarType.Int64).sum().ToInt64();
        }
        return (double)inside / vectors.shape[0];
    }

    private static IEnumerable<Tensor> Blocks(Tensor rows)
    {
        for (var start = 0L; start < rows.shape[0]; start += Rows)
            yield return rows.narrow(0, start, Math.Min(Rows, rows.shape[0] - start));
    }

    /// <summary>Squared, [rows, others].</summary>
    private static Tensor Distances(Tensor rows, Tensor others)
    {
        using var scope = NewDisposeScope();
        var squares = rows.square().sum([1]).unsqueeze(1) + others.square().sum([1]).unsqueeze(0);
        return scope.MoveToOuter((squares - 2 * rows.matmul(others.t())).clamp_min(0));
    }
}
