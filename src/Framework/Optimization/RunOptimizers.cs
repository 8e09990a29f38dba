using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>The optimizers of a run, over one step context.</summary>
public sealed class RunOptimizers : OptimizerSet, IDisposable
{
    private readonly Dictionary<string, OptimizerHandle> _handles = [];

    public RunOptimizers(IReadOnlyDictionary<string, OptimizerFactory> factories, nn.Module model, StepContext context)
    {
        Context = context;
        foreach (var (name, factory) in factories)
            _handles.Add(name, new OptimizerHandle(name, factory, model, context));
    }

    public StepContext Context { get; }

    internal IEnumerable<OptimizerHandle> Handles => _handles.Values;

    public override IReadOnlyCollection<string> Names => _handles.Keys;

    public override IOptimizerHandle this[string name] =>
        _handles.TryGetValue(name, out var handle)
            ? handle
            : throw new KeyNotFoundException($"The config has no optimizer named \"{name}\". It has {string.Join(", ", _handles.Keys)}.");

    public override IOptimizerHandle Single =>
        _handles.Count == 1
            ? _handles.Values.First()
            : throw new InvalidOperationException(
                $"The config has several optimizers ({string.Join(", ", _handles.Keys)}); the model's TrainStep must name the one it steps."
            );

    public override IDisposable Autocast() => Context.Autocast();

    public override void AddPenalties(LossMap losses) => Context.AddPenalties(losses);

    public void Save(StateWriter state)
    {
        foreach (var (name, handle) in _handles)
            handle.Save(state.Under(name));
    }

    public void Load(StateReader state, bool rewind)
    {
        foreach (var (name, handle) in _handles)
            handle.Load(state.Under(name), rewind);
    }

    public void Dispose()
    {
        foreach (var handle in _handles.Values)
            handle.Dispose();
    }
}
