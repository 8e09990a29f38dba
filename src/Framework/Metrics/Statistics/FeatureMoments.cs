using MathNet.Numerics.LinearAlgebra;

namespace Tessera.Framework.Metrics.Statistics;

/// <summary>Mean and covariance of vectors, and how far two such normals lie apart.</summary>
public sealed class FeatureMoments
{
    private readonly Vector<double> _mean;
    private readonly Matrix<double> _covariance;

    /// <param name="mean">[D].</param>
    /// <param name="covariance">[D, D], symmetric.</param>
    public FeatureMoments(double[] mean, double[,] covariance)
    {
        if (covariance.GetLength(0) != mean.Length || covariance.GetLength(1) != mean.Length)
            throw new ArgumentException($"A covariance of {mean.Length} x {mean.Length} was expected.", nameof(covariance));
        (_mean, _covariance) = (Vector<double>.Build.DenseOfArray(mean), Matrix<double>.Build.DenseOfArray(covariance));
    }

    private FeatureMoments(Vector<double> mean, Matrix<double> covariance) => (_mean, _covariance) = (mean, covariance);

    /// <summary>Of samples; the covariance divided by their number less one.</summary>
    /// <param name="features">[N * D], one row after the other; N is 2 or more.</param>
    /// <param name="width">D.</param>
    public static FeatureMoments Of(ReadOnlySpan<float> features, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        var count = features.Length / width;
        if (count < 2 || count * width != features.Length)
            throw new ArgumentException($"{features.Length} numbers are not two or more vectors of {width}.", nameof(features));
        var rows = Matrix<double>.Build.Dense(count, width);
        for (var i = 0; i < features.Length; i++)
            rows[i / width, i % width] = features[i];
        var mean = rows.ColumnSums() / count;
        for (var row = 0; row < count; row++)
            rows.SetRow(row, rows.Row(row) - mean);
        return new FeatureMoments(mean, rows.TransposeThisAndMultiply(rows) / (count - 1));
    }

    /// <summary>Fréchet's distance of two normals, squared: ‖μ1 - μ2‖² + tr(Σ1 + Σ2 - 2 √(Σ1 Σ2)).</summary>
    /// <remarks>Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", 2017, arXiv:1706.08500,
    /// equation 6. √(Σ1 Σ2) has the trace of √(√Σ1 Σ2 √Σ1), which is symmetric: its eigenvalues are not below 0 but for rounding.</remarks>
    public double DistanceTo(FeatureMoments other)
    {
        if (other._mean.Count != _mean.Count)
            throw new ArgumentException($"Vectors of {_mean.Count} numbers and of {other._mean.Count}.", nameof(other));
        var root = Root(_covariance);
        var between = root * other._covariance * root;
        var trace = ((between + between.Transpose()) / 2)
            .Evd(Symmetricity.Symmetric)
            .EigenValues.Sum(value => Math.Sqrt(Math.Max(0, value.Real)));
        var apart = (_mean - other._mean).L2Norm();
        return Math.Max(0, apart * apart + _covariance.Trace() + other._covariance.Trace() - 2 * trace);
    }

    private static Matrix<double> Root(Matrix<double> covariance)
    {
        var evd = covariance.Evd(Symmetricity.Symmetric);
        var roots = Matrix<double>.Build.DenseOfDiagonalVector(evd.EigenValues.Map(value => Math.Sqrt(Math.Max(0, value.Real))));
        return evd.EigenVectors * roots * evd.EigenVectors.Transpose();
    }
}
