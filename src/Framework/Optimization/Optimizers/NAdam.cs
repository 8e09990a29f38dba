using static TorchSharp.torch;
using Modules = TorchSharp.Modules;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="Betas">Decay rates of the averages of the gradient and of its square.</param>
/// <param name="Eps">Added to the denominator.</param>
/// <param name="WeightDecay">Decay, added to the gradient as an L2 penalty.</param>
/// <param name="MomentumDecay">How fast momentum grows to its final value.</param>
public sealed record NAdamOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.002,
    [property: Length(2, 2)] double[]? Betas = null,
    [property: Range(0.0, 1.0)] double Eps = 1e-8,
    [property: Range(0.0, 1e3)] double WeightDecay = 0,
    [property: Range(0.0, 1.0)] double MomentumDecay = 0.004
);

/// <summary>Adam with Nesterov momentum.</summary>
/// <remarks>Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.</remarks>
[Component("NAdam")]
public sealed class NAdam(NAdamOptions options)
    : TorchOptimizerFactory<Modules.NAdam.ParamGroup, Modules.NAdam.Options>(
        options.Lr,
        (of, mult) => of.weight_decay = options.WeightDecay * mult
    )
{
    protected override optim.Optimizer Create(IEnumerable<Modules.NAdam.ParamGroup> groups) =>
        optim.NAdam(
            groups,
            options.Lr,
            options.Betas?[0] ?? 0.9,
            options.Betas?[1] ?? 0.999,
            options.Eps,
            options.WeightDecay,
            options.MomentumDecay
        );
}
