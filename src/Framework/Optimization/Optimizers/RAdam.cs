using Tessera.Torch.Optimizers;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="Betas">Decay rates of the averages of the gradient and of its square.</param>
/// <param name="Eps">Added to the denominator.</param>
/// <param name="WeightDecay">Decay, added to the gradient as an L2 penalty.</param>
public sealed record RAdamOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.001,
    [property: Length(2, 2)] double[]? Betas = null,
    [property: Range(0.0, 1.0)] double Eps = 1e-8,
    [property: Range(0.0, 1e3)] double WeightDecay = 0
);

/// <summary>Adam with a rectified variance, which warms up by itself.</summary>
/// <remarks>Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020, arXiv:1908.03265.</remarks>
[Component("RAdam")]
public sealed class RAdam(RAdamOptions options) : OptimizerFactory
{
    public override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups) =>
        new RAdamOptimizer(BetasGroups(groups, options.Lr, options.WeightDecay, options.Betas), options.Eps);
}
