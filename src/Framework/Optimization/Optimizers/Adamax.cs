using static TorchSharp.torch;
using Modules = TorchSharp.Modules;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="Betas">Decay rates of the averages of the gradient and of its square.</param>
/// <param name="Eps">Added to the denominator.</param>
/// <param name="WeightDecay">Decay, added to the gradient as an L2 penalty.</param>
public sealed record AdamaxOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.002,
    [property: Length(2, 2)] double[]? Betas = null,
    [property: Range(0.0, 1.0)] double Eps = 1e-8,
    [property: Range(0.0, 1e3)] double WeightDecay = 0
);

/// <summary>Adam with the infinity norm.</summary>
/// <remarks>Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, arXiv:1412.6980, section 7.</remarks>
[Component("Adamax")]
public sealed class Adamax(AdamaxOptions options)
    : TorchOptimizerFactory<Modules.Adamax.ParamGroup, Modules.Adamax.Options>(
        options.Lr,
        (of, mult) => of.weight_decay = options.WeightDecay * mult
    )
{
    protected override optim.Optimizer Create(IEnumerable<Modules.Adamax.ParamGroup> groups) =>
        optim.Adamax(groups, options.Lr, options.Betas?[0] ?? 0.9, options.Betas?[1] ?? 0.999, options.Eps, options.WeightDecay);
}
