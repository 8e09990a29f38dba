using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;

namespace Tessera.Models.Attention;

/// <param name="Rate">Tokens whose positions agree modulo this attend each other; by default the square root of the number of tokens (for
/// "grid": of rows and columns), rounded.</param>
/// <param name="Reach">Tokens on either side that a token attends, too; by default the rate less one, so that the two parts together reach
/// everything in two steps.</param>
/// <param name="Layout">"sequence": positions in the sequence; "grid": rows and columns both.</param>
public sealed record SparseAttentionOptions(
    [property: Range(1, 65536)] int? Rate = null,
    [property: Range(0, 65536)] int? Reach = null,
    TokenLayout Layout = TokenLayout.Sequence
);

/// <summary>Atrous and local attention in one softmax: a key that is in both, such as the token itself, counts once.</summary>
/// <remarks>Su, "Sparse attention", 2019, kexue.fm/archives/6853, after Child et al., "Generating Long Sequences with Sparse Transformers",
/// 2019, arXiv:1904.10509.</remarks>
[Component("SparseAttention")]
public sealed class SparseAttention : PatternAttention
{
    private readonly SparseAttentionOptions _options;

    public SparseAttention(SparseAttentionOptions options, AttentionShape shape)
        : base(nameof(SparseAttention), shape)
    {
        _options = options;
        RegisterComponents();
    }

    internal override bool ComparesTokens => true;

    private protected override Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums)
    {
        var places = new Places(grid, _options.Layout);
        var (y, x) = places.Rates(_options.Rate);
        var pattern = places.Pattern(queries, keys, values, WeightDropout, sums: true, Tables);
        var near = pattern.Near(_options.Reach ?? y - 1, _options.Reach ?? x - 1, 1, 1, inside: false, without: (y, x));
        return places.Flat(Attended.Join(pattern.Congruent(y, x), near));
    }
}
