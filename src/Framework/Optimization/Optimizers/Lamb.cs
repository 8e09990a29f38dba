using Tessera.Torch.Optimizers;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="Betas">Decay rates of the averages of the gradient and of its square.</param>
/// <param name="Eps">Added to the denominator.</param>
/// <param name="WeightDecay">Decay, added to the update before it is scaled to the parameter's norm.</param>
/// <param name="BiasCorrection">Correct the averages for their start at zero.</param>
/// <param name="GradAveraging">The gradient enters its average times 1 - β₁; otherwise whole.</param>
/// <param name="MaxGradNorm">Scale all gradients together down to this norm; 0: don't.</param>
/// <param name="TrustClip">Steps are scaled down to a parameter's norm, and never up (LAMBC).</param>
/// <param name="AlwaysAdapt">Scale the steps of parameters without weight decay, too.</param>
/// <param name="Caution">Leave out what would go against the gradient.</param>
/// <param name="DecoupledDecay">Decay shrinks the parameter, as in AdamW.</param>
/// <param name="CorrectedWeightDecay">With decoupled_decay: where a schedule lowers the learning rate, decay falls with its
/// square.</param>
public sealed record LambOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.001,
    [property: Length(2, 2)] double[]? Betas = null,
    [property: Range(0.0, 1.0)] double Eps = 1e-6,
    [property: Range(0.0, 1e3)] double WeightDecay = 0.01,
    bool BiasCorrection = true,
    bool GradAveraging = true,
    [property: Range(0.0, 1e9)] double MaxGradNorm = 1,
    bool TrustClip = false,
    bool AlwaysAdapt = false,
    bool Caution = false,
    bool DecoupledDecay = false,
    bool CorrectedWeightDecay = false
);

/// <summary>Adam's steps, scaled to the norm of each parameter, for large batches.</summary>
/// <remarks>You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020, arXiv:1904.00962; options as
/// in timm.</remarks>
[Component("Lamb")]
public sealed class Lamb(LambOptions options) : OptimizerFactory
{
    /// <exception cref="UserErrorException">corrected_weight_decay without decoupled_decay.</exception>
    public override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups)
    {
        if (options is { CorrectedWeightDecay: true, DecoupledDecay: false })
            throw new UserErrorException(
                "optimizer.corrected_weight_decay: it corrects a decoupled decay alone. Set decoupled_decay, too."
            );
        var rule = new LambRule(
            options.Eps,
            options.BiasCorrection,
            options.GradAveraging,
            options.MaxGradNorm,
            options.TrustClip,
            options.AlwaysAdapt,
            options.Caution,
            options.DecoupledDecay,
            options.CorrectedWeightDecay ? options.Lr : null
        );
        return new LambOptimizer(BetasGroups(groups, options.Lr, options.WeightDecay, options.Betas), rule);
    }
}
