using Tessera.Torch.Optimizers.Passes;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>What a <see cref="LambOptimizer"/> does beside the paper's formula; the names are timm's.</summary>
/// <param name="Eps">Added to the denominator.</param>
/// <param name="BiasCorrection">Averages are corrected for their start at zero.</param>
/// <param name="GradAveraging">The gradient enters its average times 1 - β₁; otherwise whole.</param>
/// <param name="MaxGradNorm">All gradients together are scaled down to this norm; 0: they are not.</param>
/// <param name="TrustClip">The trust ratio is at most 1 (LAMBC).</param>
/// <param name="AlwaysAdapt">Parameters without weight decay have a trust ratio, too.</param>
/// <param name="Caution">Elements that would go against the gradient stay.</param>
/// <param name="DecoupledDecay">Decay shrinks the parameter, as in AdamW, instead of entering the update.</param>
/// <param name="LargestRate">With decoupled decay: the parameter shrinks by rate² / largest rate; null: by the rate.</param>
public sealed record LambRule(
    double Eps = 1e-6,
    bool BiasCorrection = true,
    bool GradAveraging = true,
    double MaxGradNorm = 1,
    bool TrustClip = false,
    bool AlwaysAdapt = false,
    bool Caution = false,
    bool DecoupledDecay = false,
    double? LargestRate = null
);

/// <summary>LAMB: Adam's step of each parameter, scaled to the norm of the parameter.</summary>
/// <remarks>
/// You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020, arXiv:1904.00962, algorithm 2, as timm
/// and NVIDIA's FusedLAMB have it. By operators, since norms of whole tensors stand between the elements' updates.
/// </remarks>
public sealed class LambOptimizer(IReadOnlyList<BetasGroup> groups, LambRule rule)
    : ElementwiseOptimizer<BetasGroup>(groups, ["exp_avg", "exp_avg_sq"], countsSteps: true)
{
    private Tensor? _scale; // of the present step's gradients

    /// <summary>Whether the step looks at the norm of all gradients together.</summary>
    public bool ClipsNorm => rule.MaxGradNorm > 0;

    private protected override FusedPass? Pass => null;

    private protected override int TensorsNeeded(BetasGroup group) => 2;

    private protected override void Begin()
    {
        Tensor[] gradients = [.. parameters().Select(parameter => parameter.grad).OfType<Tensor>()];
        _scale =
            ClipsNorm && gradients.Length > 0
                ? stack(gradients.Select(gradient => gradient.norm())).norm().div_(rule.MaxGradNorm).clamp_min(1)
                : null;
    }

    private protected override void Update(BetasGroup group, Memory memory, Tensor gradient)
    {
        using var scope = NewDisposeScope(); // one parameter's temporaries
        var (parameter, average, square, (beta1, beta2)) = (memory.Parameter, memory[0], memory[1], group.Betas);
        if (_scale is not null)
            gradient = gradient / _scale;
        average.mul_(beta1).add_(gradient, alpha: rule.GradAveraging ? 1 - beta1 : 1);
        square.mul_(beta2).addcmul_(gradient, gradient, value: 1 - beta2);
        var (correction1, correction2) = rule.BiasCorrection
            ? (1 - Math.Pow(beta1, memory.Steps), 1 - Math.Pow(beta2, memory.Steps))
            : (1, 1);
        var update = (average / correction1).div_(square.sqrt().div_(Math.Sqrt(correction2)).add_(rule.Eps));
        if (rule.Caution)
            Caution.Apply(update, gradient);
        if (group.WeightDecay != 0)
        {
            if (rule.DecoupledDecay)
                parameter.mul_(1 - group.WeightDecay * group.LearningRate * (group.LearningRate / rule.LargestRate ?? 1));
            else
                update.add_(parameter, alpha: group.WeightDecay);
        }
        if (group.WeightDecay != 0 || rule.AlwaysAdapt)
            update.mul_(TrustRatio(parameter, update));
        parameter.add_(update, alpha: -group.LearningRate);
    }

    /// <returns>|p| / |update|, and 1 where one of them is 0; a scalar on the parameter's device.</returns>
    private Tensor TrustRatio(Tensor parameter, Tensor update)
    {
        var (size, step) = (parameter.norm(), update.norm());
        var ratio = where(size.gt(0).logical_and(step.gt(0)), size / step, ones_like(size));
        return rule.TrustClip ? ratio.clamp_max(1) : ratio;
    }
}
