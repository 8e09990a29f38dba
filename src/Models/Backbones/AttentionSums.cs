using Tessera.Models.Attention;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones;

/// <summary>Adds up attention weights, averaged over heads, while the blocks run; disposing frees the sums and the hooks.</summary>
internal sealed class AttentionSums : IDisposable
{
    private readonly WatchedWeights _watched;
    private readonly RunningSum _classes = new(),
        _patches = new();
    private readonly int _leading;
    private readonly bool _affinity;

    /// <param name="blocks">Of every block, in order.</param>
    /// <param name="leading">Tokens before the patches.</param>
    /// <param name="last">How many of the last blocks count for the leading tokens.</param>
    /// <param name="affinity">Whether the patches' weights among themselves are added up, over all blocks.</param>
    public AttentionSums(IReadOnlyList<AttentionWeights> blocks, int leading, int last, bool affinity)
    {
        (_leading, _affinity) = (leading, affinity);
        AttentionWeights[] watched = affinity ? [.. blocks] : [.. blocks.TakeLast(last)];
        var first = watched.Length - last;
        _watched = new WatchedWeights(watched, (place, attention) => Add(attention, counts: place >= first));
    }

    /// <summary>[B, leading, N].</summary>
    public Tensor? OfClasses => _classes.Value;

    /// <summary>[B, N, N].</summary>
    public Tensor? OfPatches => _patches.Value;

    public void Dispose()
    {
        _watched.Dispose();
        _classes.Dispose();
        _patches.Dispose();
    }

    // Attention: [B, heads, leading + N, leading + N].
    private void Add(Tensor attention, bool counts)
    {
        using var scope = NewDisposeScope();
        var patches = attention.shape[3] - _leading;
        var mean = attention.to(ScalarType.Float32).mean([1]).narrow(2, _leading, patches); // [B, leading + N, N]
        if (counts)
            _classes.Add(mean.narrow(1, 0, _leading));
        if (_affinity)
            _patches.Add(mean.narrow(1, _leading, patches));
    }
}
