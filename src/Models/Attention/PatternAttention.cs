using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;

namespace Tessera.Models.Attention;

/// <summary>
/// Attention among the grid's tokens by some pattern. Leading tokens stand outside of it: they attend all tokens, and all
/// tokens attend them, in the same softmax as the pattern's keys.
/// </summary>
public abstract class PatternAttention : TokenAttention
{
    private protected PatternAttention(string name, AttentionShape shape, bool projects = true)
        : base(name, shape, projects) { }

    /// <summary>Indices and masks of the pattern, kept from call to call.</summary>
    private protected SizeTables Tables { get; } = new();

    /// <param name="queries">[X, n, d], one X for each image and head; scaled.</param>
    /// <param name="keys">[X, n, d].</param>
    /// <param name="values">[X, n, d].</param>
    /// <param name="grid">Without leading tokens.</param>
    /// <param name="sums">Whether the sums of the weights are wanted, to join this with other keys.</param>
    private protected abstract Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums);

    protected sealed override Tensor Mix(Tensor queries, Tensor keys, Tensor values, TokenGrid grid)
    {
        var (batch, heads, tokens, width) = (queries.shape[0], queries.shape[1], queries.shape[2], queries.shape[3]);
        Tensor Flat(Tensor x) => x.reshape(batch * heads, tokens, width);
        var (q, k, v) = (Flat(queries.mul(1 / Math.Sqrt(width))), Flat(keys), Flat(values));
        if (grid.Leading == 0)
            return Attend(q, k, v, grid, sums: false).Out.view(batch, heads, tokens, width);

        long[] parts = [grid.Leading, tokens - grid.Leading];
        var (qs, ks, vs) = (q.split(parts, 1), k.split(parts, 1), v.split(parts, 1));
        var pattern = Attend(qs[1], ks[1], vs[1], grid with { Leading = 0 }, sums: true);
        var leading = BlockSoftmax.DenseScaled(qs[1], ks[0], vs[0], WeightDropout, sums: true);
        var first = BlockSoftmax.DenseScaled(qs[0], k, v, WeightDropout, sums: false);
        return cat([first.Out, Attended.Join(pattern, leading).Out], 1).view(batch, heads, tokens, width);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Tables.Dispose();
        base.Dispose(disposing);
    }
}
