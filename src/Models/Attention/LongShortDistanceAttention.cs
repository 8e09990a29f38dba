using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>Which blocks attend far away tokens.</summary>
public enum AttentionDistance
{
    /// <summary>Every second block of a stage, from the second; the others attend near ones.</summary>
    Alternate,

    /// <summary>No block.</summary>
    Short,

    /// <summary>Every block.</summary>
    Long,
}

/// <summary>How a grid is grouped whose shorter side is no longer than a group's.</summary>
public enum SmallGridGroups
{
    /// <summary>All tokens are one group, as in the authors' detectors.</summary>
    Whole,

    /// <summary>Squares of the shorter side, as in the authors' classifiers.</summary>
    Square,
}

/// <param name="GroupSize">Side of a group, in tokens.</param>
/// <param name="Interval">Step between the tokens of a group in a block that attends far away ones.</param>
/// <param name="Distance">Which blocks attend far away tokens: "alternate", "short" or "long".</param>
/// <param name="SmallGrid">How a grid is grouped whose shorter side is no longer than a group's: "whole" or "square".</param>
public sealed record LongShortDistanceAttentionOptions(
    [property: Range(1, 1024)] int GroupSize = 7,
    [property: Range(1, 1024)] int Interval = 8,
    AttentionDistance Distance = AttentionDistance.Alternate,
    SmallGridGroups SmallGrid = SmallGridGroups.Whole
);

/// <summary>
/// Tokens of a group attend each other, with a bias that a small network gives for each distance. A group is a square of neighbours
/// (short distance), or a square of tokens that lie an interval apart (long distance). A grid that the groups don't divide is filled up;
/// no token attends what fills it. Small grids are one group. The weights can be tapped under the name "weights",
/// [B, heads, groups, T, T]; with leading tokens as of other patterns, [B, heads, N, N].
/// </summary>
/// <remarks>
/// Wang et al., "CrossFormer: A Versatile Vision Transformer Hinging on Cross-scale Attention", 2021, arXiv:2108.00154, sections 3.2
/// and 3.3. Rows and columns of a group that could hold no token are left out, which changes no result.
/// </remarks>
[Component("LongShortDistanceAttention")]
public sealed class LongShortDistanceAttention : PatternAttention
{
    private readonly DynamicPositionBias pos;
    private readonly int _groupSize;
    private readonly int _step;
    private readonly SmallGridGroups _smallGrid;

    public LongShortDistanceAttention(LongShortDistanceAttentionOptions options, AttentionShape shape)
        : base(nameof(LongShortDistanceAttention), shape)
    {
        var far = options.Distance == AttentionDistance.Long || (options.Distance == AttentionDistance.Alternate && shape.Block % 2 == 1);
        (_groupSize, _step, _smallGrid) = (options.GroupSize, far ? options.Interval : 1, options.SmallGrid);
        pos = new DynamicPositionBias(shape.Channels, shape.Heads);
        RegisterComponents();
    }

    private protected override IGroups Groups(TokenGrid grid) => Cut(grid);

    private protected override Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums)
    {
        var cut = Cut(grid);
        var bias = Bias(cut, queries.device).unsqueeze(1); // [heads, 1, T, T]
        var missing = cut.IsPadded ? Tables.Get(cut, queries.device, () => [cut.Missing(queries.device)])[0] : null;
        Tensor Adjust(Tensor logits, BlockSoftmax.Part part)
        {
            var byHead = logits.view(-1, Shape.Heads, logits.shape[1], logits.shape[2], logits.shape[3]);
            byHead = byHead + part.Of(bias);
            if (missing is not null)
                byHead = byHead.masked_fill_(part.Of(missing), BlockSoftmax.Masked);
            return byHead.view(logits.shape);
        }

        var (q, k, v) = (cut.Groups(queries), cut.Groups(keys), cut.Groups(values));
        if (weights.Tapped && !sums)
        {
            var all = new BlockSoftmax.Part(0, q.shape[1], 0, q.shape[2]);
            var attention = Adjust(q.matmul(k.transpose(-2, -1)), all).softmax(-1);
            attention = weights.call(attention.view(-1, Shape.Heads, q.shape[1], q.shape[2], q.shape[2])).view(attention.shape);
            if (WeightDropout > 0)
                attention = functional.dropout(attention, WeightDropout);
            return new Attended(cut.Tokens(attention.to(v.dtype).matmul(v)), null);
        }
        var result = BlockSoftmax.Run(q, k, v, Adjust, WeightDropout, sums);
        return new Attended(cut.Tokens(result.Out), result.Sums is null ? null : cut.Tokens(result.Sums));
    }

    private GroupGrid Cut(TokenGrid grid)
    {
        var (height, width) = (grid.Height, grid.Width);
        var shorter = Math.Min(height, width);
        if (shorter <= _groupSize)
            return _smallGrid == SmallGridGroups.Whole
                ? new GroupGrid(height, width, height, width, 1)
                : new GroupGrid(height, width, shorter, shorter, 1);
        int Side(int length) => Math.Min(_groupSize, (length + _step - 1) / _step);
        return new GroupGrid(height, width, Side(height), Side(width), _step);
    }

    /// <summary>The bias of each pair of a group's tokens, [heads, T, T].</summary>
    private Tensor Bias(GroupGrid cut, Device device)
    {
        var tables = Tables.Get((cut.Rows, cut.Columns), device, () => [cut.Offsets(device), cut.OffsetIndex(device)]);
        return pos.call(tables[0]!).index_select(0, tables[1]!).view(cut.Count, cut.Count, Shape.Heads).permute(2, 0, 1);
    }
}
