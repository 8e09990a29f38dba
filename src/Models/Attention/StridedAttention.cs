using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <param name="BlockSize">Tokens of a block.</param>
/// <param name="Stride">In blocks; by default the square root of the number of blocks, rounded.</param>
public sealed record StridedAttentionOptions([property: Range(1, 4096)] int BlockSize = 16, [property: Range(1, 65536)] int? Stride = null);

/// <summary>
/// Block-sparse strided attention over the sequence: a block attends the blocks less than a stride away, and every block
/// that lies a multiple of the stride away; all in one softmax.
/// </summary>
/// <remarks>
/// Child et al., "Generating Long Sequences with Sparse Transformers", 2019, arXiv:1904.10509, section 4.2 with the merged
/// head. Departs from the paper by looking in both directions, as images have no order.
/// </remarks>
[Component("StridedAttention")]
public sealed class StridedAttention : PatternAttention
{
    private readonly StridedAttentionOptions _options;

    public StridedAttention(StridedAttentionOptions options, AttentionShape shape)
        : base(nameof(StridedAttention), shape)
    {
        _options = options;
        RegisterComponents();
    }

    internal override bool ComparesTokens => true;

    private protected override Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums)
    {
        // Blocks are the rows of a grid: the pattern is one of rows, whatever the columns.
        var tokens = grid.Height * grid.Width;
        var block = Math.Min(_options.BlockSize, tokens);
        var blocks = (tokens + block - 1) / block;
        var stride = Math.Clamp(_options.Stride ?? (int)Math.Round(Math.Sqrt(blocks)), 1, blocks);
        Tensor Blocks(Tensor x) =>
            (blocks * block == tokens ? x : functional.pad(x, [0, 0, 0, (blocks * block) - tokens])).view(
                x.shape[0],
                blocks,
                block,
                x.shape[2]
            );
        var pattern = new GridPattern(Blocks(queries), Blocks(keys), Blocks(values), tokens, WeightDropout, sums: true, Tables);
        var joined = Attended.Join(
            pattern.Congruent(stride, 1),
            pattern.Near(stride - 1, block, 1, 1, inside: false, without: (stride, 1))
        );
        return new Attended(joined.Out.flatten(1, 2).narrow(1, 0, tokens), joined.Sums!.flatten(1, 2).narrow(1, 0, tokens));
    }
}
