using static TorchSharp.torch;
using Modules = TorchSharp.Modules;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="LrDecay">Decay of the learning rate with each step.</param>
/// <param name="WeightDecay">Decay, added to the gradient as an L2 penalty.</param>
/// <param name="InitialAccumulatorValue">What the sums start at.</param>
/// <param name="Eps">Added to the denominator.</param>
public sealed record AdagradOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.01,
    [property: Range(0.0, 1.0)] double LrDecay = 0,
    [property: Range(0.0, 1e3)] double WeightDecay = 0,
    [property: Range(0.0, 1e6)] double InitialAccumulatorValue = 0,
    [property: Range(0.0, 1.0)] double Eps = 1e-10
);

/// <summary>Steps scaled by the sum of all squared gradients.</summary>
/// <remarks>Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 2011.</remarks>
[Component("Adagrad")]
public sealed class Adagrad(AdagradOptions options)
    : TorchOptimizerFactory<Modules.Adagrad.ParamGroup, Modules.Adagrad.Options>(
        options.Lr,
        (of, mult) => of.weight_decay = options.WeightDecay * mult
    )
{
    protected override optim.Optimizer Create(IEnumerable<Modules.Adagrad.ParamGroup> groups) =>
        optim.Adagrad(groups, options.Lr, options.LrDecay, options.WeightDecay, options.InitialAccumulatorValue, options.Eps);
}
