using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Attention;

/// <summary>How the attention of several blocks becomes one map.</summary>
public enum SynthesisKind
{
    /// <summary>The product of the blocks' matrices, each averaged with the unit matrix (the shortcut around the block) and its rows made
    /// to add up to 1. Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020, arXiv:2005.00928.</summary>
    Rollout,

    /// <summary>The mean of the blocks' maps.</summary>
    Mean,

    /// <summary>The sum of the blocks' maps.</summary>
    Sum,

    /// <summary>What speaks for a score: R becomes R + E R from block to block, E the mean over the heads of the weights times their
    /// gradients, where positive. Chefer et al., "Generic Attention-model Explainability", 2021, arXiv:2103.15679, equations 5 and
    /// 6.</summary>
    Relevance,
}

/// <summary>The attention of several blocks as one map.</summary>
/// <remarks>
/// Rows are carried from the last block to the first, so that no matrix over all tokens is formed where windows attend. Between stages of
/// a pyramid a token is taken for the tokens that it was made of, in equal shares: a network's merging of patches weighs them otherwise.
/// </remarks>
public static class AttentionSynthesis
{
    /// <summary>The map of all blocks that a run saw.</summary>
    /// <param name="seen">With derivatives for <see cref="SynthesisKind.Relevance"/>.</param>
    /// <returns>[B, height, width], of the finest of the blocks' grids; of the caller's dispose scope.</returns>
    public static Tensor Map(SeenAttention seen, SynthesisKind kind, HeadFusion heads = HeadFusion.Mean) =>
        Map(seen.Blocks, kind, seen.FromLeading, heads);

    /// <summary>The map of some blocks, in the order in which they ran.</summary>
    /// <param name="fromLeading">See <see cref="SeenAttention.FromLeading"/>.</param>
    /// <param name="heads">How heads are joined; the gradients decide for <see cref="SynthesisKind.Relevance"/>.</param>
    /// <returns>[B, height, width], of the finest of the blocks' grids; of the caller's dispose scope.</returns>
    public static Tensor Map(IReadOnlyList<AttentionBlock> blocks, SynthesisKind kind, bool fromLeading, HeadFusion heads = HeadFusion.Mean)
    {
        if (blocks.Count == 0)
            throw new ArgumentException("No block to make a map of.", nameof(blocks));
        using var scope = NewDisposeScope();
        var finest = blocks.MaxBy(block => block.Grid.Height * block.Grid.Width)!;
        if (kind is SynthesisKind.Mean or SynthesisKind.Sum)
        {
            var sum = blocks.Select(One).Aggregate((a, b) => a + b);
            return scope.MoveToOuter((kind == SynthesisKind.Sum ? sum : sum / blocks.Count).squeeze(1));
        }
        var query = blocks[^1].Query(fromLeading).expand(blocks[0].Weights.shape[0], 1, -1);
        var rows = Rows(blocks, query, kind, heads);
        if (kind == SynthesisKind.Relevance) // without the query itself, which is no answer
            rows = rows - Carried(blocks, query);
        return scope.MoveToOuter(Finest(rows, blocks[0]).squeeze(1));

        Tensor One(AttentionBlock block)
        {
            var map = block.Map(heads, fromLeading);
            return Finest(map.flatten(2), block, leading: 0);
        }

        Tensor Finest(Tensor values, AttentionBlock at, int? leading = null) =>
            finest.OnGrid(finest.From(values, leading is { } none ? at.Grid with { Leading = none } : at.Grid));
    }

    /// <summary>Rows of the product: row i is what token i of the last block takes, through all blocks, from the tokens that go into the
    /// first.</summary>
    /// <param name="rows">[B, R, N]: tokens of the last block; the unit matrix gives the whole product.</param>
    /// <param name="kind"><see cref="SynthesisKind.Rollout"/> or <see cref="SynthesisKind.Relevance"/>.</param>
    /// <returns>[B, R, tokens of the first block], of the caller's dispose scope.</returns>
    public static Tensor Rows(
        IReadOnlyList<AttentionBlock> blocks,
        Tensor rows,
        SynthesisKind kind = SynthesisKind.Rollout,
        HeadFusion heads = HeadFusion.Mean
    )
    {
        if (kind is not (SynthesisKind.Rollout or SynthesisKind.Relevance))
            throw new ArgumentException($"{kind} is no product.", nameof(kind));
        using var scope = NewDisposeScope();
        rows = rows.alias();
        for (var i = blocks.Count - 1; i >= 0; i--)
        {
            if (i < blocks.Count - 1)
                rows = blocks[i].From(rows, blocks[i + 1].Grid);
            rows = kind == SynthesisKind.Rollout ? blocks[i].Rolled(rows, heads) : blocks[i].Relevant(rows);
        }
        return scope.MoveToOuter(rows);
    }

    private static Tensor Carried(IReadOnlyList<AttentionBlock> blocks, Tensor rows)
    {
        for (var i = blocks.Count - 2; i >= 0; i--)
            rows = blocks[i].From(rows, blocks[i + 1].Grid);
        return rows;
    }
}
