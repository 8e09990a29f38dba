using Tessera.Framework.Models;
using Tessera.Framework.Runtime;
using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <param name="Classes">Which classes the mean is over.</param>
/// <param name="PerImage">The loss of each image, then their mean, instead of one over the batch.</param>
/// <param name="ClassWeight">A weight for each class in the mean.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
public sealed record LovaszLossOptions(
    ClassChoice Classes = ClassChoice.Present,
    bool PerImage = false,
    [property: MinLength(1)] double[]? ClassWeight = null,
    int? IgnoreIndex = null);

/// <summary>A convex extension of one minus IoU to softmax probabilities (Lovász-softmax).</summary>
/// <remarks>
/// Berman et al., "The Lovász-Softmax loss", 2018, arXiv:1705.08790. For a class, with the pixels' errors sorted from
/// high to low, the loss is Σ error_i · (J_i - J_{i-1}), J_i being the Jaccard loss of a prediction wrong at the first i
/// pixels. The order decides the factors, which carry no gradient; so they are found without autograd.
/// </remarks>
[Component("LovaszLoss")]
public sealed class LovaszLoss : WeightedLoss
{
    private readonly LovaszLossOptions _options;

    public LovaszLoss(LovaszLossOptions options) : base(nameof(LovaszLoss))
    {
        _options = options;
        Keep("class_weight", options.ClassWeight);
    }

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var classes = logits.shape[1];
        var weight = Vector("class_weight", classes);
        var (valid, labels) = PixelLabels.Of(targets.Labels ?? throw Targets.NoLabels(GetName()), Targets.Ignored(_options.IgnoreIndex, logits));
        var p = logits.reshape(logits.shape[0], classes, -1).softmax(1); // [B, classes, N]
        if (!_options.PerImage) return OfGroup(p.transpose(0, 1).reshape(classes, -1), valid.flatten(), labels.flatten(), weight) ?? Nothing(logits);
        var images = Enumerable.Range(0, (int)logits.shape[0]).Select(i => OfGroup(p[i], valid[i], labels[i], weight)).OfType<Tensor>().ToArray();
        return images.Length == 0 ? Nothing(logits) : stack(images).mean();
    }

    /// <param name="p">[classes, N].</param>
    /// <returns>null where every pixel is ignored.</returns>
    private Tensor? OfGroup(Tensor p, Tensor valid, Tensor labels, Tensor? weight)
    {
        using var scope = NewDisposeScope();
        var kept = valid.nonzero().squeeze(1);
        if (kept.shape[0] == 0) return null;
        if (kept.shape[0] < p.shape[1]) (p, labels) = (p.index_select(1, kept), labels.index_select(0, kept));
        var counts = labels.bincount(null, p.shape[0]).Values<long>();
        var chosen = Enumerable.Range(0, counts.Length).Where(c => _options.Classes == ClassChoice.All || counts[c] > 0).ToArray();
        var factors = weight?.Values<float>();
        var whole = chosen.Sum(c => factors?[c] ?? 1.0);
        var total = zeros([], ScalarType.Float32, p.device);
        foreach (var c in chosen)
        {
            var truth = labels.eq(c).to(ScalarType.Float32);
            var error = (truth - p[c]).abs();
            var slope = Slopes(error.detach(), truth, counts[c]);
            total = total + (error * slope).sum() * ((factors?[c] ?? 1.0) / Math.Max(whole, 1e-6));
        }
        return scope.MoveToOuter(total);
    }

    /// <summary>J_i - J_{i-1} for each pixel, i being its rank by error.</summary>
    /// <param name="truth">1 where the pixel is of the class, else 0, [N].</param>
    /// <param name="count">Pixels of the class.</param>
    private static Tensor Slopes(Tensor error, Tensor truth, long count)
    {
        using var scope = NewDisposeScope();
        var order = error.sort(0, descending: true).Indices;
        var sorted = truth.index_select(0, order);
        var found = sorted.cumsum(0, ScalarType.Float64);
        var left = count - found; // the intersection of a prediction that is wrong up to here
        var union = arange(1, error.shape[0] + 1, dtype: ScalarType.Float64, device: error.device) + left; // count + others up to here
        // A pixel of the class leaves the union and takes one from the intersection; another adds one to the union.
        var slopes = (1 / union).where(sorted.gt(0), left / (union * (union - 1).clamp_min(1)));
        if (count == 0) slopes[0] = 1; // from nothing wrong, J = 0, to something wrong, J = 1
        return scope.MoveToOuter(zeros_like(error).scatter(0, order, slopes.to(ScalarType.Float32)));
    }
}
