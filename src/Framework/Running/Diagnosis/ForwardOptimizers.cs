using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>Stands for a run's optimizers where a model's training step is only to be looked at: its losses are computed, nothing is
/// changed.</summary>
/// <param name="autocast">The run's precision.</param>
/// <param name="addPenalties">The run's penalties; null where they aren't known.</param>
internal sealed class ForwardOptimizers(Func<IDisposable> autocast, Action<LossMap>? addPenalties = null) : OptimizerSet
{
    private static readonly Handle s_handle = new();

    /// <summary>The same for whatever name a model asks for.</summary>
    public override IOptimizerHandle this[string name] => s_handle;

    public override IReadOnlyCollection<string> Names => [OnlyName];

    public override IOptimizerHandle Single => s_handle;

    public override IDisposable Autocast() => autocast();

    public override void AddPenalties(LossMap losses) => addPenalties?.Invoke(losses);

    private sealed class Handle : IOptimizerHandle
    {
        public optim.Optimizer Optimizer =>
            throw new InvalidOperationException("The batch is only looked at once more; there is no optimizer.");

        public void Step(Tensor loss, bool retainGraph = false) { }

        public void Step(Func<Tensor> loss) => loss();
    }
}
