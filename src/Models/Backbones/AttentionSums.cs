using Tessera.Framework.Models;
using Tessera.Models.Attention;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones;

/// <summary>Adds up attention weights, averaged over heads, while the blocks run; disposing frees the sums and the hooks.</summary>
internal sealed class AttentionSums : IDisposable
{
    private readonly IReadOnlyList<AttentionWeights> _blocks;
    private readonly List<Action> _hooks = [];
    private readonly int _leading;
    private readonly bool _affinity;

    /// <param name="blocks">Of every block, in order.</param>
    /// <param name="leading">Tokens before the patches.</param>
    /// <param name="last">How many of the last blocks count for the leading tokens.</param>
    /// <param name="affinity">Whether the patches' weights among themselves are added up, over all blocks.</param>
    public AttentionSums(IReadOnlyList<AttentionWeights> blocks, int leading, int last, bool affinity)
    {
        (_blocks, _leading, _affinity) = (affinity ? blocks : [.. blocks.TakeLast(last)], leading, affinity);
        var first = _blocks.Count - last;
        for (var i = 0; i < _blocks.Count; i++)
        {
            var counts = i >= first;
            _blocks[i].OnTap(true);
            _hooks.Add(
                ModuleHooks.After(
                    _blocks[i],
                    (_, output) =>
                    {
                        Add((Tensor)output!, counts);
                        return output;
                    }
                )!
            );
        }
    }

    /// <summary>[B, leading, N].</summary>
    public Tensor? OfClasses { get; private set; }

    /// <summary>[B, N, N].</summary>
    public Tensor? OfPatches { get; private set; }

    public void Dispose()
    {
        foreach (var remove in _hooks)
            remove();
        foreach (var block in _blocks)
            block.OnTap(false);
        OfClasses?.Dispose();
        OfPatches?.Dispose();
    }

    // Attention: [B, heads, leading + N, leading + N].
    private void Add(Tensor attention, bool counts)
    {
        using var scope = NewDisposeScope();
        var patches = attention.shape[3] - _leading;
        var mean = attention.to(ScalarType.Float32).mean([1]).narrow(2, _leading, patches); // [B, leading + N, N]
        if (counts)
            OfClasses = Sum(OfClasses, mean.narrow(1, 0, _leading));
        if (_affinity)
            OfPatches = Sum(OfPatches, mean.narrow(1, _leading, patches));
    }

    // The blocks' own scopes would free what is left to them.
    private static Tensor Sum(Tensor? sum, Tensor more)
    {
        var next = (sum is null ? more.clone() : sum + more).DetachFromDisposeScope();
        sum?.Dispose();
        return next;
    }
}
