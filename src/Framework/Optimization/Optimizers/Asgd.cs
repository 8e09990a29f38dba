using static TorchSharp.torch;
using Modules = TorchSharp.Modules;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="Lambd">Decay term.</param>
/// <param name="Alpha">Power of the decay of the learning rate.</param>
/// <param name="T0">Step at which averaging starts.</param>
/// <param name="WeightDecay">Decay, added to the gradient as an L2 penalty.</param>
public sealed record AsgdOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.001,
    [property: Range(0.0, 1.0)] double Lambd = 1e-4,
    [property: Range(0.0, 10.0)] double Alpha = 0.75,
    [property: Range(0.0, 1e12)] double T0 = 1e6,
    [property: Range(0.0, 1e3)] double WeightDecay = 0
);

/// <summary>Gradient descent that averages its iterates.</summary>
/// <remarks>Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.</remarks>
[Component("Asgd")]
public sealed class Asgd(AsgdOptions options)
    : TorchOptimizerFactory<Modules.ASGD.ParamGroup, Modules.ASGD.Options>(
        options.Lr,
        (of, mult) => of.weight_decay = options.WeightDecay * mult
    )
{
    protected override optim.Optimizer Create(IEnumerable<Modules.ASGD.ParamGroup> groups) =>
        optim.ASGD(groups, options.Lr, options.Lambd, options.Alpha, options.T0, options.WeightDecay);
}
