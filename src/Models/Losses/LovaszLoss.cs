using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <param name="Classes">Which classes the mean is over.</param>
/// <param name="PerImage">The loss of each image, then their mean, instead of one over the batch.</param>
/// <param name="ClassWeight">A weight for each class, or a rule that makes them of the training data in the mean.</param>
/// <param name="IgnoreIndex">Label that does not count; 255 in maps by default.</param>
public sealed record LovaszLossOptions(
    ClassChoice Classes = ClassChoice.Present,
    bool PerImage = false,
    ClassWeight? ClassWeight = null,
    int? IgnoreIndex = null
);

/// <summary>A convex extension of one minus IoU to softmax probabilities (Lovász-softmax).</summary>
/// <remarks>
/// Berman et al., "The Lovász-Softmax loss", 2018, arXiv:1705.08790. For a class, with the pixels' errors sorted from
/// high to low, the loss is Σ error_i · (J_i - J_{i-1}), J_i being the Jaccard loss of a prediction wrong at the first i
/// pixels. The order decides the factors, which carry no gradient: they are found without autograd, and what is left is a
/// sum of probabilities times factors.
/// </remarks>
[Component("LovaszLoss")]
public sealed class LovaszLoss : WeightedLoss
{
    private readonly LovaszLossOptions _options;

    public LovaszLoss(LovaszLossOptions options)
        : base(nameof(LovaszLoss))
    {
        _options = options;
        Keep("class_weight", options.ClassWeight);
    }

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var classes = logits.shape[1];
        var weight = Vector("class_weight", classes);
        var (valid, labels) = PixelLabels.Of(
            targets.Labels ?? throw Targets.NoLabels(GetName()),
            Targets.Ignored(_options.IgnoreIndex, logits)
        );
        var p = logits.reshape(logits.shape[0], classes, -1).softmax(1); // [B, classes, N]
        if (!_options.PerImage)
            return OfGroup(p.transpose(0, 1).reshape(classes, -1), valid.flatten(), labels.flatten(), weight) ?? Nothing(logits);
        var images = Enumerable
            .Range(0, (int)logits.shape[0])
            .Select(i => OfGroup(p[i], valid[i], labels[i], weight))
            .OfType<Tensor>()
            .ToArray();
        return images.Length == 0 ? Nothing(logits) : stack(images).mean();
    }

    /// <param name="p">[classes, N].</param>
    /// <returns>null where every pixel is ignored.</returns>
    private Tensor? OfGroup(Tensor p, Tensor valid, Tensor labels, Tensor? weight)
    {
        using var scope = NewDisposeScope();
        var kept = valid.nonzero().squeeze(1);
        if (kept.shape[0] == 0)
            return null;
        if (kept.shape[0] < p.shape[1])
            (p, labels) = (p.index_select(1, kept), labels.index_select(0, kept));
        var counts = labels.bincount(null, p.shape[0]).Values<long>();
        var chosen = Enumerable.Range(0, counts.Length).Where(c => _options.Classes == ClassChoice.All || counts[c] > 0).ToArray();
        var weights = weight?.Values<float>();
        var whole = Math.Max(chosen.Sum(c => weights?[c] ?? 1.0), 1e-6);
        var shares = Array.ConvertAll(chosen, c => (weights?[c] ?? 1.0) / whole);
        var (slopes, constant) =
            p.device_type == DeviceType.CPU
                ? LovaszSlopes.OnHost(p, labels, chosen, shares, counts)
                : LovaszSlopes.OnDevice(p, labels, chosen, shares, counts);
        if (chosen.Length < counts.Length)
            p = p.index_select(0, tensor(Array.ConvertAll(chosen, c => (long)c), device: p.device));
        return scope.MoveToOuter((p * slopes).sum() + constant);
    }
}
