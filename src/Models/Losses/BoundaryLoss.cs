using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <param name="Normalize">Distances are fractions of the image's diagonal, so that the weight does not depend on its size.</param>
/// <param name="ClassWeight">A weight for each class, or a rule that makes them of the training data; 0 leaves one out (a
/// background).</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
public sealed record BoundaryLossOptions(bool Normalize = false, ClassWeight? ClassWeight = null, int? IgnoreIndex = null);

/// <summary>
/// Probability of a class times the pixel's signed distance to the class's true boundary, negative inside. Beside a
/// region loss, with a small weight that may rise (ramp_iters). May be negative.
/// </summary>
/// <remarks>
/// Kervadec et al., "Boundary loss for highly unbalanced segmentation", 2019, arXiv:1812.07032; the mean over classes and
/// pixels. Outside, the distance to the nearest pixel of the class; inside, to the nearest other one, less 1, as in the
/// authors' code; 0 everywhere for a class that the image doesn't show, or shows alone. Ignored pixels are neither in nor out.
/// </remarks>
[Component("BoundaryLoss")]
public sealed class BoundaryLoss : WeightedLoss
{
    private readonly BoundaryLossOptions _options;

    public BoundaryLoss(BoundaryLossOptions options)
        : base(nameof(BoundaryLoss))
    {
        _options = options;
        Keep("class_weight", options.ClassWeight);
    }

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        if (logits.dim() != 4)
            throw new UserErrorException("BoundaryLoss compares maps of pixels; here there is one class an image.");
        var labels = targets.Labels ?? throw Targets.NoLabels(GetName());
        var ignored = Targets.Ignored(_options.IgnoreIndex, logits);
        var (images, classes, height, width) = ((int)logits.shape[0], (int)logits.shape[1], (int)logits.shape[2], (int)logits.shape[3]);
        var truth = labels.cpu().Values<long>();
        var distances = new float[(long)images * classes * height * width];
        Parallel.For(
            0,
            images * classes,
            i =>
                Signed(
                    truth.AsSpan(i / classes * height * width, height * width),
                    i % classes,
                    ignored,
                    height,
                    width,
                    distances.AsSpan(i * height * width, height * width),
                    _options.Normalize ? (float)(1 / Math.Sqrt(((double)height * height) + ((double)width * width))) : 1
                )
        );
        var map = tensor(distances, [images, classes, height, width], device: logits.device);
        var counts = labels.ne(ignored).sum().clamp_min(1) * classes;
        if (Vector("class_weight", classes) is { } weight)
            map = map * Targets.Along(weight, logits);
        return (logits.softmax(1) * map).sum() / counts;
    }

    /// <summary>Signed distances to the boundary of a class; 0 at ignored pixels.</summary>
    internal static void Signed(
        ReadOnlySpan<long> labels,
        long wanted,
        long ignored,
        int height,
        int width,
        Span<float> result,
        float scale
    )
    {
        var inside = new bool[labels.Length];
        var outside = new bool[labels.Length];
        for (var i = 0; i < inside.Length; i++)
            (inside[i], outside[i]) = (labels[i] == wanted, labels[i] != wanted && labels[i] != ignored);
        if (!inside.Contains(true) || !outside.Contains(true))
        {
            result.Clear();
            return;
        }
        var outer = DistanceTransform.Squared(inside, height, width);
        var inner = DistanceTransform.Squared(outside, height, width);
        for (var i = 0; i < inside.Length; i++)
        {
            result[i] =
                inside[i] ? (1 - (float)Math.Sqrt(inner[i])) * scale
                : outside[i] ? (float)Math.Sqrt(outer[i]) * scale
                : 0;
        }
    }
}
