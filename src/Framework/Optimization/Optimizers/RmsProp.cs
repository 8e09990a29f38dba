using static TorchSharp.torch;
using Modules = TorchSharp.Modules;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="Alpha">Decay rate of the average.</param>
/// <param name="Eps">Added to the denominator.</param>
/// <param name="WeightDecay">Decay, added to the gradient as an L2 penalty.</param>
/// <param name="Momentum">Share of the last step that is kept.</param>
/// <param name="Centered">Scale by the variance instead of the square.</param>
public sealed record RmsPropOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.01,
    [property: Range(0.0, 1.0)] double Alpha = 0.99,
    [property: Range(0.0, 1.0)] double Eps = 1e-8,
    [property: Range(0.0, 1e3)] double WeightDecay = 0,
    [property: Range(0.0, 1.0)] double Momentum = 0,
    bool Centered = false
);

/// <summary>Steps scaled by a running average of squared gradients.</summary>
/// <remarks>Tieleman and Hinton, lecture 6.5, "Neural networks for machine learning", 2012.</remarks>
[Component("RmsProp")]
public sealed class RmsProp(RmsPropOptions options)
    : TorchOptimizerFactory<Modules.RMSProp.ParamGroup, Modules.RMSProp.Options>(
        options.Lr,
        (of, mult) => of.weight_decay = options.WeightDecay * mult
    )
{
    protected override optim.Optimizer Create(IEnumerable<Modules.RMSProp.ParamGroup> groups) =>
        optim.RMSProp(groups, options.Lr, options.Alpha, options.Eps, options.WeightDecay, options.Momentum, options.Centered);
}
