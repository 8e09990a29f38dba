using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Attention;

/// <summary>Looks at the weights of attention layers while a model runs, one after another, keeping none; disposing lets go of the
/// layers.</summary>
internal sealed class WatchedWeights : IDisposable
{
    private readonly IReadOnlyList<AttentionWeights> _layers;
    private readonly List<Action?> _hooks = [];

    /// <param name="layers">In their order.</param>
    /// <param name="see">Gets the layer's place among them and its weights, [B, heads, N, N] or as the layer has them; they are the
    /// model's.</param>
    public WatchedWeights(IReadOnlyList<AttentionWeights> layers, Action<int, Tensor> see)
    {
        _layers = layers;
        for (var i = 0; i < layers.Count; i++)
        {
            var place = i;
            layers[i].OnTap(true); // otherwise the weights are never formed
            _hooks.Add(
                ModuleHooks.After(
                    layers[i],
                    (_, output) =>
                    {
                        see(place, (Tensor)output!);
                        return output;
                    }
                )
            );
        }
    }

    public void Dispose()
    {
        foreach (var remove in _hooks)
            remove?.Invoke();
        foreach (var layer in _layers)
            layer.OnTap(false);
    }
}

/// <summary>Adds up tensors that come while a model runs, whose own scopes would free what is left to them.</summary>
internal sealed class RunningSum : IDisposable
{
    /// <summary>Belongs to no scope; null before the first.</summary>
    public Tensor? Value { get; private set; }

    public void Add(Tensor more)
    {
        var next = (Value is null ? more.clone() : Value + more).DetachFromDisposeScope();
        Value?.Dispose();
        Value = next;
    }

    public void Dispose() => Value?.Dispose();
}
