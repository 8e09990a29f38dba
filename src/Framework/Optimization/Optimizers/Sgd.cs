using Tessera.Torch.Optimizers;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="Momentum">Share of the last step that is kept.</param>
/// <param name="Dampening">Share of the gradient that momentum leaves out.</param>
/// <param name="WeightDecay">Decay, added to the gradient as an L2 penalty.</param>
/// <param name="Nesterov">Look ahead by one step of momentum.</param>
public sealed record SgdOptions(
    [property: Range(0.0, 1e6)] double Lr,
    [property: Range(0.0, 1.0)] double Momentum = 0,
    [property: Range(0.0, 1.0)] double Dampening = 0,
    [property: Range(0.0, 1e3)] double WeightDecay = 0,
    bool Nesterov = false
);

/// <summary>Gradient descent with momentum.</summary>
/// <remarks>Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.</remarks>
[Component("Sgd")]
public sealed class Sgd(SgdOptions options) : OptimizerFactory
{
    public override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups)
    {
        if (options.Nesterov && (options.Momentum == 0 || options.Dampening != 0))
            throw new UserErrorException("optimizer.nesterov: looking ahead needs a momentum above 0, and no dampening.");
        var own = groups.Select(group => new MomentumGroup(
            group.Parameters,
            options.Lr * group.LrMult,
            options.WeightDecay * group.DecayMult,
            options.Momentum
        ));
        return new SgdOptimizer([.. own], options.Dampening, options.Nesterov);
    }
}
