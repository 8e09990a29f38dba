using static TorchSharp.torch;
using Modules = TorchSharp.Modules;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="Rho">Decay rate of the averages.</param>
/// <param name="Eps">Added to the denominator.</param>
/// <param name="WeightDecay">Decay, added to the gradient as an L2 penalty.</param>
public sealed record AdadeltaOptions(
    [property: Range(0.0, 1e6)] double Lr = 1.0,
    [property: Range(0.0, 1.0)] double Rho = 0.9,
    [property: Range(0.0, 1.0)] double Eps = 1e-6,
    [property: Range(0.0, 1e3)] double WeightDecay = 0
);

/// <summary>Steps scaled by running averages of gradients and of steps.</summary>
/// <remarks>Zeiler, "ADADELTA: an adaptive learning rate method", 2012, arXiv:1212.5701.</remarks>
[Component("Adadelta")]
public sealed class Adadelta(AdadeltaOptions options)
    : TorchOptimizerFactory<Modules.Adadelta.ParamGroup, Modules.Adadelta.Options>(
        options.Lr,
        (of, mult) => of.weight_decay = options.WeightDecay * mult
    )
{
    protected override optim.Optimizer Create(IEnumerable<Modules.Adadelta.ParamGroup> groups) =>
        optim.Adadelta(groups, options.Lr, options.Rho, options.Eps, options.WeightDecay);
}
