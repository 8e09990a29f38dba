using Tessera.Torch;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention.Core;

/// <summary>
/// Attention of groups of queries, each group to keys of its own. Works through chunks of bounded size: never more than
/// one chunk's logits at a time without gradients.
/// </summary>
internal static class BlockSoftmax
{
    /// <summary>The logit of a key that takes no part: its weight is exactly 0 beside any key that does.</summary>
    public const double Masked = -1e9;

    private const long Budget = 1 << 20; // logits of a chunk

    /// <summary>A part of the logits: which groups and which queries of them.</summary>
    public readonly record struct Part(long Group, long Groups, long Query, long Queries)
    {
        /// <summary>The part's share of a mask [G or 1, T or 1, K] (or with X before).</summary>
        public Tensor Of(Tensor mask)
        {
            var dimension = mask.dim() - 3;
            if (mask.shape[dimension] > 1)
                mask = mask.narrow(dimension, Group, Groups);
            return mask.shape[dimension + 1] > 1 ? mask.narrow(dimension + 1, Query, Queries) : mask;
        }
    }

    /// <param name="q">Scaled queries, [X, G, T, d].</param>
    /// <param name="k">[X, G, K, d].</param>
    /// <param name="v">[X, G, K, d].</param>
    /// <param name="adjust">Masks or biases logits [X, g, t, K], in place or not.</param>
    /// <param name="dropout">Of the weights.</param>
    /// <param name="sums">Whether to give them.</param>
    /// <returns>[X, G, T, d], and the sums [X, G, T, 1].</returns>
    public static Attended Run(Tensor q, Tensor k, Tensor v, Func<Tensor, Part, Tensor>? adjust, double dropout, bool sums)
    {
        var (rows, groups, queries, keys) = (q.shape[0], q.shape[1], q.shape[2], k.shape[2]);
        var perGroup = rows * queries * keys;
        var groupStep = Math.Clamp(Budget / Math.Max(1, perGroup), 1, groups);
        var queryStep = groupStep > 1 ? queries : Math.Clamp(Budget / Math.Max(1, rows * keys), 1, queries);
        if ((groupStep == groups && queryStep == queries) || OperatorTrace.RecordsValues)
            return Chunk(q, k, v, new Part(0, groups, 0, queries), adjust, dropout, sums);

        var (qs, ks, vs) = (q.split(groupStep, 1), k.split(groupStep, 1), v.split(groupStep, 1));
        var chunks = new List<Attended>();
        for (var i = 0; i < qs.Length; i++)
        {
            var parts = queryStep == queries ? [qs[i]] : qs[i].split(queryStep, 2);
            var done = new List<Attended>();
            for (var j = 0; j < parts.Length; j++)
                done.Add(
                    Chunk(
                        parts[j],
                        ks[i],
                        vs[i],
                        new Part(i * groupStep, parts[j].shape[1], j * queryStep, parts[j].shape[2]),
                        adjust,
                        dropout,
                        sums
                    )
                );
            chunks.Add(Cat(done, 2));
        }
        return Cat(chunks, 1);
    }

    /// <summary>Every query to every key: unscaled queries [B, heads, N, d], keys and values [B, heads, M, d].</summary>
    public static Attended Dense(Tensor q, Tensor k, Tensor v, double dropout)
    {
        Tensor Flat(Tensor x) => x.reshape(-1, x.shape[2], x.shape[3]);
        return new Attended(
            DenseScaled(Flat(q.mul(1 / Math.Sqrt(q.shape[3]))), Flat(k), Flat(v), dropout, sums: false).Out.view(q.shape),
            null
        );
    }

    /// <summary>Every query to every key: scaled queries [X, N, d], keys and values [X, M, d].</summary>
    public static Attended DenseScaled(Tensor q, Tensor k, Tensor v, double dropout, bool sums)
    {
        var result = Run(q.unsqueeze(1), k.unsqueeze(1), v.unsqueeze(1), null, dropout, sums);
        return new Attended(result.Out.squeeze(1), result.Sums?.squeeze(1));
    }

    private static Attended Chunk(Tensor q, Tensor k, Tensor v, Part part, Func<Tensor, Part, Tensor>? adjust, double dropout, bool sums)
    {
        using var scope = NewDisposeScope();
        var logits = q.matmul(k.transpose(-2, -1)); // [X, g, t, K]
        if (logits.dtype == ScalarType.Float16)
            logits = logits.to(ScalarType.Float32); // which can't hold Masked
        if (adjust is not null)
            logits = adjust(logits, part);
        Tensor? total = null;
        Tensor weights;
        if (sums)
        {
            total = logits.logsumexp(-1, true);
            weights = (logits - total).exp_();
        }
        else
        {
            weights = logits.softmax(-1);
        }
        if (dropout > 0)
            weights = functional.dropout(weights, dropout);
        var mixed = weights.to(v.dtype).matmul(v);
        return new Attended(scope.MoveToOuter(mixed), total is null ? null : scope.MoveToOuter(total));
    }

    private static Attended Cat(List<Attended> chunks, int dimension) =>
        chunks.Count == 1
            ? chunks[0]
            : new Attended(
                cat([.. chunks.Select(chunk => chunk.Out)], dimension),
                chunks[0].Sums is null ? null : cat([.. chunks.Select(chunk => chunk.Sums!)], dimension)
            );
}
