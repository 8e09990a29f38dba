using TorchSharp.Modules;
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
    bool Nesterov = false);

/// <summary>Gradient descent with momentum.</summary>
/// <remarks>Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.</remarks>
[Component("Sgd")]
public sealed class Sgd(SgdOptions options) : OptimizerFactory
{
    public override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups) =>
        optim.SGD(groups.Select(group => new SGD.ParamGroup(group.Parameters, new SGD.Options
        {
            LearningRate = options.Lr * group.LrMult,
            weight_decay = options.WeightDecay * group.DecayMult,
        })), options.Lr, options.Momentum, options.Dampening, options.WeightDecay, options.Nesterov);
}
