using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Attention;

/// <summary>How the heads of a block become one.</summary>
public enum HeadFusion
{
    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>The greatest of each pair of tokens.</summary>
    Max,
}

/// <summary>One attention layer of a network and what it attended in a run.</summary>
/// <param name="index">Its place among the network's attention layers, in the order in which they run, from 0.</param>
/// <param name="name">As in <c>named_modules</c>: "backbone.blocks.3.attn".</param>
/// <param name="layer">Says how the weights lie; null: one matrix for each head, [B, heads, N, N].</param>
/// <param name="grid">Its tokens.</param>
/// <param name="weights">As tapped; the block takes it over.</param>
/// <param name="gradient">Derivatives of the scores by the weights, of the same form, which the block takes over; null where none were
/// asked for.</param>
public sealed class AttentionBlock(int index, string name, IAttentionMap? layer, TokenGrid grid, Tensor weights, Tensor? gradient = null)
    : IDisposable
{
    private readonly IAttentionMap _layer = layer ?? new Matrices();

    public int Index => index;

    public string Name => name;

    public TokenGrid Grid => grid;

    public int Heads => (int)weights.shape[1];

    /// <summary>As tapped.</summary>
    public Tensor Weights => weights;

    public Tensor? Gradient => gradient;

    /// <summary>What each token takes from each key: [B, heads, N, M], of the caller's dispose scope.</summary>
    public Tensor Dense() => _layer.Dense(weights, grid);

    /// <summary>What each token takes from each token, keys that were made of several tokens shared out among them: [B, heads, N, N], of
    /// the caller's dispose scope.</summary>
    public Tensor OverTokens()
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(_layer.Spread(Dense(), grid));
    }

    /// <summary>Where each head looks, seen from a query.</summary>
    /// <param name="fusion">How heads are joined; null: each by itself.</param>
    /// <param name="fromLeading">The query is the first of the leading tokens; otherwise the mean over the grid's tokens.</param>
    /// <returns>[B, heads or 1, height, width], of the caller's dispose scope.</returns>
    public Tensor Map(HeadFusion? fusion, bool fromLeading)
    {
        using var scope = NewDisposeScope();
        var fused = fusion is { } one ? Fused(weights, one) : weights;
        var pulled = Pulled(Query(fromLeading).expand(fused.shape[0], fused.shape[1], -1), fused);
        return scope.MoveToOuter(OnGrid(pulled));
    }

    /// <summary>Which tokens ask: [1, 1, N], adding up to 1; of the caller's dispose scope.</summary>
    internal Tensor Query(bool fromLeading)
    {
        using var scope = NewDisposeScope();
        var query = zeros(1, 1, grid.Count, dtype: weights.dtype, device: weights.device);
        if (fromLeading && grid.Leading > 0)
            query.narrow(2, 0, 1).fill_(1);
        else
            query.narrow(2, grid.Leading, grid.Count - grid.Leading).fill_(1.0 / (grid.Count - grid.Leading));
        return scope.MoveToOuter(query);
    }

    /// <summary>What rows get by one step of rollout: half a row's share stays, half goes where the token looks; rows of weights that do
    /// not add up to 1 are made to.</summary>
    /// <param name="rows">[B, R, N].</param>
    internal Tensor Rolled(Tensor rows, HeadFusion fusion)
    {
        var fused = Fused(weights, fusion);
        rows = rows / (1 + _layer.RowSums(fused, grid));
        return rows + Pulled(rows, fused);
    }

    /// <summary>What rows get by one step of relevance: they stay, and the weights are added, each times its gradient where that is
    /// positive.</summary>
    /// <param name="rows">[B, R, N].</param>
    internal Tensor Relevant(Tensor rows)
    {
        var derivatives = gradient ?? throw new InvalidOperationException("The run was made without a score to be explained.");
        return rows + Pulled(rows, (weights * derivatives).clamp_min(0).mean([1], keepdim: true));
    }

    /// <summary>Whether the scores read the first leading token of what the block gives.</summary>
    internal bool ReachesLeading()
    {
        if (grid.Leading == 0 || gradient is null)
            return grid.Leading > 0;
        using var scope = NewDisposeScope();
        return gradient.narrow(2, 0, 1).ne(0).any().item<bool>();
    }

    /// <summary>[B, R, N] without leading tokens, as maps [B, R, height, width].</summary>
    internal Tensor OnGrid(Tensor rows) =>
        rows.narrow(2, grid.Leading, grid.Count - grid.Leading).reshape(rows.shape[0], rows.shape[1], grid.Height, grid.Width);

    /// <summary>Rows over a later block's tokens, as rows over this one's: a token of a coarser grid is taken for those that it was made
    /// of, in equal shares.</summary>
    /// <param name="rows">[B, R, tokens of <paramref name="later"/>].</param>
    internal Tensor From(Tensor rows, TokenGrid later)
    {
        if (later == grid)
            return rows;
        if ((later.Height, later.Width) != (grid.Height, grid.Width))
            rows = GridShares.BetweenStages(rows, grid, later);
        var places = rows.narrow(2, later.Leading, rows.shape[2] - later.Leading);
        var leading = rows.narrow(2, 0, Math.Min(later.Leading, grid.Leading));
        if (grid.Leading > later.Leading)
            leading = nn.functional.pad(leading, [0, grid.Leading - later.Leading]);
        return cat([leading, places], 2);
    }

    public void Dispose()
    {
        weights.Dispose();
        gradient?.Dispose();
    }

    private Tensor Pulled(Tensor rows, Tensor joined) => _layer.Spread(_layer.Pull(rows, joined, grid), grid);

    private static Tensor Fused(Tensor weights, HeadFusion fusion) =>
        fusion == HeadFusion.Mean ? weights.mean([1], keepdim: true) : weights.amax([1], keepdim: true);

    private sealed class Matrices : IAttentionMap
    {
        public Tensor Dense(Tensor weights, TokenGrid grid) => weights.alias();
    }
}
