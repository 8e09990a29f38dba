using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <summary>How maps are made smaller.</summary>
public enum MapPooling
{
    Max,
    Average,
}

/// <param name="Radius">Side of the square of neighbours that is one point; radius² dimensions.</param>
/// <param name="Pool">How truth and prediction are made smaller first.</param>
/// <param name="Stride">By how much; 1: not at all.</param>
/// <param name="Lambda">Share of the binary cross entropy; the mutual information has the rest.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
public sealed record RmiLossOptions(
    [property: Range(1, 10)] int Radius = 3,
    MapPooling Pool = MapPooling.Max,
    [property: Range(1, 64)] int Stride = 3,
    [property: Range(0, 1)] double Lambda = 0.5,
    int? IgnoreIndex = null
);

/// <summary>
/// Binary cross entropy of every class, and a lower bound of the mutual information of truth and prediction, seen as
/// points of neighbouring pixels. May be negative.
/// </summary>
/// <remarks>
/// Zhao et al., "Region Mutual Information Loss for Semantic Segmentation", 2019, arXiv:1910.12037: with Y the truth, P
/// the prediction, ½ log det(Σ_Y - Σ_YP (Σ_P + α)⁻¹ Σ_YPᵀ + α) / radius², α = 1e-3, the covariances not divided by the
/// number of points; summed over classes, the mean over images. In float64. An image whose pixels are all ignored does
/// not count (in the published code it adds a constant).
/// </remarks>
[Component("RmiLoss")]
public sealed class RmiLoss(RmiLossOptions options) : WeightedLoss(nameof(RmiLoss))
{
    private const double Alpha = 1e-3;
    private const double Smallest = 1e-6;

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        if (logits.dim() != 4)
            throw new UserErrorException("RmiLoss compares maps of pixels; here there is one class an image.");
        // [B, classes, H, W], [B, 1, H, W]
        var (truth, valid) = Targets.Dense(logits, targets, Targets.Ignored(options.IgnoreIndex, logits), GetName());
        var counts = valid ?? ones_like(logits.narrow(1, 0, 1));
        truth = truth * counts;
        var entropy =
            (functional.binary_cross_entropy_with_logits(logits, truth, reduction: Reduction.None) * counts).sum()
            / counts.sum().clamp_min(1);
        var information = Information(truth, (logits.sigmoid() * counts) + Smallest); // [B]
        var images = counts.flatten(1).sum([1]).gt(0).to(ScalarType.Float64);
        var mean = ((information * images).sum() / images.sum().clamp_min(1)).to(ScalarType.Float32);
        return (entropy * options.Lambda) + (mean * (1 - options.Lambda));
    }

    /// <summary>The sum over classes, [B], float64.</summary>
    private Tensor Information(Tensor truth, Tensor probabilities)
    {
        var (y, p) = (Points(truth), Points(probabilities)); // [B, classes, radius², points]
        var noise = eye(y.shape[2], dtype: ScalarType.Float64, device: y.device) * Alpha;
        var yp = y.matmul(p.transpose(2, 3));
        var known = yp.matmul(linalg.solve(p.matmul(p.transpose(2, 3)) + noise, yp.transpose(2, 3)));
        var unknown = y.matmul(y.transpose(2, 3)) - known + noise;
        unknown = (unknown + unknown.transpose(2, 3)) / 2;
        // log det A = 2 Σ log diag(chol A), so the halves cancel
        return linalg.cholesky(unknown).diagonal(0, 2, 3).clamp_min(1e-8).log().sum([2, 1]) / (options.Radius * options.Radius);
    }

    /// <summary>Every square of neighbours as one point, less the mean.</summary>
    private Tensor Points(Tensor map)
    {
        var (stride, radius) = (options.Stride, options.Radius);
        if (stride > 1)
        {
            map =
                options.Pool == MapPooling.Max
                    ? functional.max_pool2d(map, stride, stride, stride / 2)
                    : functional.avg_pool2d(map, stride, stride, stride / 2);
        }
        long height = map.shape[2] - radius + 1,
            width = map.shape[3] - radius + 1;
        if (height < 1 || width < 1)
        {
            throw new UserErrorException(
                $"RmiLoss: maps of {map.shape[3]} x {map.shape[2]} pixels after pooling are smaller than a radius of {radius}. "
                    + "Take larger crops, or a smaller stride or radius."
            );
        }
        var neighbours = new List<Tensor>();
        for (var y = 0; y < radius; y++)
        for (var x = 0; x < radius; x++)
            neighbours.Add(map.narrow(2, y, height).narrow(3, x, width).flatten(2));
        var points = stack(neighbours, 2).to(ScalarType.Float64);
        return points - points.mean([3], keepdim: true);
    }
}
