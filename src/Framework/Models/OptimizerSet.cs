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

    /// <summary>The config's optimizers must be those that a model steps.</summary>
    /// <param name="names">Of the config's optimizers; <see cref="OnlyName"/> where one stands alone.</param>
    /// <exception cref="UserErrorException">They are others.</exception>
    public static void Require(VisionModel model, IReadOnlyCollection<string> names)
    {
        var (type, steps) = (model.GetName(), model.OptimizerNames);
        var given = string.Join(", ", names.Select(Quoted));
        if (steps.Count == 0 && names.Count != 1)
            throw new UserErrorException(
                $"optimizer: {type} steps one optimizer; the config has {names.Count}: {given}. Keep one of them, or write it without a "
                    + "name: \"optimizer\": { \"type\": …, … }."
            );
        if (steps.Count == 0 || (names.Count == steps.Count && steps.All(names.Contains)))
            return;
        throw new UserErrorException(
            $"optimizer: {type} steps {steps.Count} optimizers, {string.Join(" and ", steps.Select(Quoted))}; the config has {given}. Give "
                + "each its \"parameters\": \"optimizer\": { "
                + string.Join(", ", steps.Select(name => $"{Quoted(name)}: {{ …, \"parameters\": [{Quoted(name)}] }}"))
                + " }."
        );

        static string Quoted(string name) => $"\"{name}\"";
    }

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
