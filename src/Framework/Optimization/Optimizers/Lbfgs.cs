using Tessera.Torch.Optimizers;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Length of a step along the direction.</param>
/// <param name="MaxIter">Directions taken per batch.</param>
/// <param name="ToleranceGrad">Stops where no gradient is larger.</param>
/// <param name="ToleranceChange">Stops where no parameter moves further.</param>
/// <param name="HistorySize">Steps remembered.</param>
public sealed record LbfgsOptions(
    [property: Range(0.0, 1e6)] double Lr = 1,
    [property: Range(1, 100000)] int MaxIter = 20,
    [property: Range(0.0, 1.0)] double ToleranceGrad = 1e-7,
    [property: Range(0.0, 1.0)] double ToleranceChange = 1e-9,
    [property: Range(1, 10000)] int HistorySize = 100
);

/// <summary>Quasi-Newton steps for small problems and full batches.</summary>
/// <remarks>Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.</remarks>
[Component("Lbfgs")]
public sealed class LbfgsFactory(LbfgsOptions options) : OptimizerFactory
{
    public override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups)
    {
        if (groups.Count > 1)
            throw new UserErrorException(
                "optimizer: Lbfgs takes all parameters as one vector, so \"groups\" and \"layer_decay\" can't be used with it."
            );
        var group = new OptimizerGroup(groups[0].Parameters, options.Lr);
        return new LbfgsOptimizer(group, options.MaxIter, options.ToleranceGrad, options.ToleranceChange, options.HistorySize);
    }
}
