using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <param name="GammaNeg">Focusing of the negatives.</param>
/// <param name="GammaPos">Focusing of the positives.</param>
/// <param name="Clip">Probability that is taken off the negatives: those below it count nothing.</param>
/// <param name="ClassWeight">A weight for each class, or a rule that makes them of the training data.</param>
public sealed record AsymmetricLossOptions(
    [property: Range(0, 100)] double GammaNeg = 4,
    [property: Range(0, 100)] double GammaPos = 0,
    [property: Range(0, 1)] double Clip = 0.05,
    ClassWeight? ClassWeight = null
);

/// <summary>Sigmoid loss for multi-label targets whose positives are rare: easy negatives count less, the easiest nothing.</summary>
/// <remarks>
/// Ridnik et al., "Asymmetric Loss For Multi-Label Classification", 2020, arXiv:2009.14119. The mean over samples and
/// classes, where the paper sums. The modulation is part of the gradient.
/// </remarks>
[Component("AsymmetricLoss")]
public sealed class AsymmetricLoss : WeightedLoss
{
    private const double Smallest = 1e-8;

    private readonly AsymmetricLossOptions _options;

    public AsymmetricLoss(AsymmetricLossOptions options)
        : base(nameof(AsymmetricLoss))
    {
        _options = options;
        Keep("class_weight", options.ClassWeight);
    }

    public override ClassActivation Activation => ClassActivation.Sigmoid;

    protected override Tensor Unweighted(Tensor logits, LossTargets targets)
    {
        var (y, counts) = Targets.Dense(logits, targets, Targets.Ignored(null, logits), GetName());
        var p = logits.sigmoid();
        var q = (1 - p + _options.Clip).clamp_max(1); // probability of a negative, shifted
        var values = -(
            y * Power(1 - p, _options.GammaPos) * p.clamp_min(Smallest).log()
            + (1 - y) * Power(1 - q, _options.GammaNeg) * q.clamp_min(Smallest).log()
        );
        if (Vector("class_weight", logits.shape[1]) is { } weight)
            values = values * Targets.Along(weight, logits);
        return Targets.Mean(values, counts);
    }

    private static Tensor Power(Tensor x, double gamma) => x.clamp_min(Smallest).pow(gamma);
}
