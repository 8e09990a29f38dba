using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tools.Costs;

/// <summary>What an optimizer remembers of a parameter, measured: it makes a step on a matrix of its own.</summary>
internal static class OptimizerFootprint
{
    private const int Side = 16;

    /// <summary>Numbers for each number of a parameter; of several optimizers the most.</summary>
    public static double PerParameter(OneOrNamed<ComponentSpec<OptimizerFactory>>? specs, IServiceProvider services) =>
        specs is null ? 0 : specs.BuildAll(services).Values.Max(PerParameter);

    private static double PerParameter(OptimizerFactory factory)
    {
        (factory.Groups, factory.Parameters, factory.LayerDecay) = (new Dictionary<string, GroupOptions>(), [], 1);
        using var scope = NewDisposeScope();
        using var matrix = nn.Linear(Side, Side, hasBias: false);
        using var optimizers = new RunOptimizers(
            new Dictionary<string, OptimizerFactory> { [OptimizerSet.OnlyName] = factory },
            matrix,
            new StepContext { Group = new SingleProcess(), Precision = PrecisionChoice.Full }
        );
        optimizers.Single.Step(() => matrix.call(ones(1, Side)).square().sum());
        var state = new StateWriter();
        optimizers.Save(state);
        return state.Tensors.Values.Sum(tensor => tensor.numel()) / (double)(Side * Side);
    }
}
