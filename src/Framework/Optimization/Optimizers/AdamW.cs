using Tessera.Torch.Optimizers;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="Betas">Decay rates of the averages of the gradient and of its square.</param>
/// <param name="Eps">Added to the denominator.</param>
/// <param name="WeightDecay">Decay, decoupled from the gradient.</param>
/// <param name="Amsgrad">Divide by the largest average so far.</param>
public sealed record AdamWOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.001,
    [property: Length(2, 2)] double[]? Betas = null,
    [property: Range(0.0, 1.0)] double Eps = 1e-8,
    [property: Range(0.0, 1e3)] double WeightDecay = 0.01,
    bool Amsgrad = false
);

/// <summary>Adaptive moments with decoupled weight decay.</summary>
/// <remarks>Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101.</remarks>
[Component("AdamW")]
public sealed class AdamW(AdamWOptions options) : OptimizerFactory
{
    public override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups) =>
        new AdamOptimizer(
            BetasGroups(groups, options.Lr, options.WeightDecay, options.Betas),
            decoupled: true,
            options.Eps,
            options.Amsgrad
        );
}
