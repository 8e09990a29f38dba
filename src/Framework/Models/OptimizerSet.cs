using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>The run's optimizers by name. Most models have one, named "optimizer".</summary>
public abstract class OptimizerSet
{
    /// <summary>The name of an optimizer that stands alone.</summary>
    public const string OnlyName = "optimizer";

    /// <exception cref="KeyNotFoundException">The config has no optimizer of that name.</exception>
    public abstract IOptimizerHandle this[string name] { get; }

    public abstract IReadOnlyCollection<string> Names { get; }

    /// <summary>The only optimizer.</summary>
    /// <exception cref="InvalidOperationException">There are several.</exception>
    public abstract IOptimizerHandle Single { get; }

    /// <summary>The run's mixed precision, for as long as it is not disposed; does nothing in fp32.</summary>
    public abstract IDisposable Autocast();

    /// <summary>Adds the config's penalties on the parameters to the losses; outside of autocast.</summary>
    public virtual void AddPenalties(LossMap losses) { }
}

/// <summary>One optimizer with everything that belongs to its step: gradient accumulation, loss scaling, averaging over processes,
/// clipping.</summary>
public interface IOptimizerHandle
{
    /// <summary>The optimizer below; its parameter groups' learning rates are the schedule's to set.</summary>
    optim.Optimizer Optimizer { get; }

    /// <summary>Backward, and, when enough batches have accumulated: unscale, average, clip, step, zero.</summary>
    /// <param name="loss">A scalar.</param>
    /// <param name="retainGraph">Where a second backward over the same graph follows.</param>
    void Step(Tensor loss, bool retainGraph = false);

    /// <summary>The same from a function that computes the loss, for optimizers that look at it several times in one step
    /// (Lbfgs).</summary>
    void Step(Func<Tensor> loss);
}
