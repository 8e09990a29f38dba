using Tessera.Torch.Optimizers;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="Betas">Decay rates of the averages of the gradient and of its square.</param>
/// <param name="Eps">Added to the denominator.</param>
/// <param name="WeightDecay">Decay, added to the gradient as an L2 penalty.</param>
/// <param name="Amsgrad">Divide by the largest average so far.</param>
public sealed record AdamOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.001,
    [property: Length(2, 2)] double[]? Betas = null,
    [property: Range(0.0, 1.0)] double Eps = 1e-8,
    [property: Range(0.0, 1e3)] double WeightDecay = 0,
    bool Amsgrad = false
);

/// <summary>Adaptive moments.</summary>
/// <remarks>Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, arXiv:1412.6980.</remarks>
[Component("Adam")]
public sealed class Adam(AdamOptions options) : OptimizerFactory
{
    public override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups) =>
        new AdamOptimizer(
            BetasGroups(groups, options.Lr, options.WeightDecay, options.Betas),
            decoupled: false,
            options.Eps,
            options.Amsgrad
        );
}
