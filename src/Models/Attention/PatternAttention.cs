using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>
/// Attention among the grid's tokens by some pattern. Leading tokens stand outside of it: they attend all tokens, and all
/// tokens attend them, in the same softmax as the pattern's keys. The weights can be tapped under the name "weights", as the matrices
/// that are otherwise never formed: [B, heads, N, N], 0 where a token does not attend another.
/// </summary>
public abstract class PatternAttention : TokenAttention, IAttentionMap
{
    private protected readonly AttentionWeights weights = new();
    private bool _keepsAll;

    private protected PatternAttention(string name, AttentionShape shape, bool projects = true)
        : base(name, shape, projects) { }

    /// <summary>Indices and masks of the pattern, kept from call to call.</summary>
    private protected SizeTables Tables { get; } = new();

    /// <summary>Dropout of the attention weights now.</summary>
    private protected new double WeightDropout => _keepsAll ? 0 : base.WeightDropout;

    /// <summary>Whether something is attended that is no token.</summary>
    private protected virtual bool AttendsPadding => false;

    /// <summary>The groups of a pattern that, where there are no leading tokens, sends its weights through the tap by itself, [B, heads,
    /// groups, T, T]; null for other patterns.</summary>
    private protected virtual IGroups? Groups(TokenGrid grid) => null;

    public Tensor Dense(Tensor weights, TokenGrid grid) =>
        weights.dim() == 5 ? GroupedWeights.Dense(Groups(grid)!, weights, grid) : weights.alias();

    public Tensor Pull(Tensor rows, Tensor weights, TokenGrid grid)
    {
        if (weights.dim() == 5)
            return GroupedWeights.Pull(Groups(grid)!, rows, weights);
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(rows.unsqueeze(-2).matmul(weights).squeeze(-2));
    }

    public Tensor RowSums(Tensor weights, TokenGrid grid) =>
        weights.dim() == 5 ? GroupedWeights.RowSums(Groups(grid)!, weights, grid) : weights.sum(-1);

    /// <param name="queries">[X, n, d], one X for each image and head; scaled.</param>
    /// <param name="keys">[X, n, d].</param>
    /// <param name="values">[X, n, d].</param>
    /// <param name="grid">Without leading tokens.</param>
    /// <param name="sums">Whether the sums of the weights are wanted, to join this with other keys.</param>
    private protected abstract Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums);

    protected sealed override Tensor Mix(Tensor queries, Tensor keys, Tensor values, TokenGrid grid) =>
        weights.Tapped && (grid.Leading > 0 || Groups(grid) is null)
            ? Watched(queries, keys, values, grid)
            : Plain(queries, keys, values, grid);

    // Attention is linear in the values: where these are the rows of a unit matrix, it gives the weights.
    private Tensor Watched(Tensor queries, Tensor keys, Tensor values, TokenGrid grid)
    {
        var (batch, heads, tokens) = (queries.shape[0], queries.shape[1], queries.shape[2]);
        AttentionWeights.RequireRoom(batch * heads, tokens, tokens);
        var units = eye(tokens, dtype: values.dtype, device: values.device).expand(batch, heads, -1, -1);
        Tensor both;
        try
        {
            _keepsAll = true;
            both = Plain(queries, keys, cat([units, values], -1), grid);
        }
        finally
        {
            _keepsAll = false;
        }
        var formed = both.narrow(-1, 0, tokens);
        var attention = weights.call(formed);
        if (WeightDropout > 0)
            attention = functional.dropout(attention, WeightDropout);
        var mixed = attention.matmul(values);
        return AttendsPadding ? mixed + (both.narrow(-1, tokens, values.shape[3]) - formed.matmul(values)) : mixed;
    }

    private Tensor Plain(Tensor queries, Tensor keys, Tensor values, TokenGrid grid)
    {
        var (batch, heads, tokens, width) = (queries.shape[0], queries.shape[1], queries.shape[2], queries.shape[3]);
        Tensor Flat(Tensor x) => x.reshape(batch * heads, tokens, x.shape[3]);
        var (q, k, v) = (Flat(queries.mul(1 / Math.Sqrt(width))), Flat(keys), Flat(values));
        if (grid.Leading == 0)
            return Attend(q, k, v, grid, sums: false).Out.view(batch, heads, tokens, v.shape[2]);

        long[] parts = [grid.Leading, tokens - grid.Leading];
        var (qs, ks, vs) = (q.split(parts, 1), k.split(parts, 1), v.split(parts, 1));
        var pattern = Attend(qs[1], ks[1], vs[1], grid with { Leading = 0 }, sums: true);
        var leading = BlockSoftmax.DenseScaled(qs[1], ks[0], vs[0], WeightDropout, sums: true);
        var first = BlockSoftmax.DenseScaled(qs[0], k, v, WeightDropout, sums: false);
        return cat([first.Out, Attended.Join(pattern, leading).Out], 1).view(batch, heads, tokens, v.shape[2]);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Tables.Dispose();
        base.Dispose(disposing);
    }
}
