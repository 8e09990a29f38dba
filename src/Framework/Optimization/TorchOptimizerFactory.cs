using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>Makes one of TorchSharp's own optimizers; each group gets its share of the learning rate and of the weight decay.</summary>
/// <param name="lr">Learning rate of a group whose multiplier is 1.</param>
/// <param name="decay">Sets a group's weight decay by its multiplier; null: the optimizer has none.</param>
public abstract class TorchOptimizerFactory<TGroup, TOptions>(double lr, Action<TOptions, double>? decay) : OptimizerFactory
    where TGroup : ParamGroup<TOptions>, new()
    where TOptions : OptimizerOptions, new()
{
    public sealed override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups) => Create(groups.Select(GroupOf));

    /// <summary>The optimizer over groups that have their options already.</summary>
    protected abstract optim.Optimizer Create(IEnumerable<TGroup> groups);

    private TGroup GroupOf(ParameterGroup group)
    {
        var options = new TOptions { LearningRate = lr * group.LrMult };
        decay?.Invoke(options, group.DecayMult);
        return new TGroup { Parameters = group.Parameters, Options = options };
    }
}
