using static TorchSharp.torch;
using Modules = TorchSharp.Modules;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule.</param>
/// <param name="EtaMinus">Factor where the gradient changes its sign.</param>
/// <param name="EtaPlus">Factor where it keeps it.</param>
/// <param name="MinStep">Smallest step.</param>
/// <param name="MaxStep">Largest step.</param>
public sealed record RpropOptions(
    [property: Range(0.0, 1e6)] double Lr = 0.01,
    [property: Range(0.0, 1.0)] double EtaMinus = 0.5,
    [property: Range(1.0, 100.0)] double EtaPlus = 1.2,
    [property: Range(0.0, 1.0)] double MinStep = 1e-6,
    [property: Range(0.0, 1e6)] double MaxStep = 50
);

/// <summary>Steps by the sign of the gradient, for full batches.</summary>
/// <remarks>Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm", 1993.</remarks>
[Component("Rprop")]
public sealed class Rprop(RpropOptions options)
    : TorchOptimizerFactory<Modules.Rprop.ParamGroup, Modules.Rprop.Options>(options.Lr, decay: null)
{
    protected override optim.Optimizer Create(IEnumerable<Modules.Rprop.ParamGroup> groups) =>
        optim.Rprop(groups, options.Lr, options.EtaMinus, options.EtaPlus, options.MinStep, options.MaxStep);
}
