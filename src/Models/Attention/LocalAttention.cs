using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;

namespace Tessera.Models.Attention;

/// <param name="Reach">Tokens on either side: the window has 2 * reach + 1 of them (for "grid": in rows and in columns).</param>
/// <param name="Dilation">Step between the window's tokens.</param>
/// <param name="Layout">"sequence": positions in the sequence; "grid": rows and columns both.</param>
public sealed record LocalAttentionOptions(
    [property: Range(0, 65536)] int Reach = 8,
    [property: Range(1, 65536)] int Dilation = 1,
    TokenLayout Layout = TokenLayout.Sequence
);

/// <summary>A token attends the tokens around it; windows are cut off at the borders.</summary>
/// <remarks>
/// Parmar et al., "Image Transformer", 2018, arXiv:1802.05751; with dilation: Beltagy et al., "Longformer", 2020,
/// arXiv:2004.05150.
/// </remarks>
[Component("LocalAttention")]
public sealed class LocalAttention : PatternAttention
{
    private readonly LocalAttentionOptions _options;

    public LocalAttention(LocalAttentionOptions options, AttentionShape shape)
        : base(nameof(LocalAttention), shape)
    {
        _options = options;
        RegisterComponents();
    }

    internal override bool ComparesTokens => true;

    private protected override Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums)
    {
        var places = new Places(grid, _options.Layout);
        var (y, x) = places.Rates(_options.Dilation);
        return places.Flat(
            places.Pattern(queries, keys, values, WeightDropout, sums, Tables).Near(_options.Reach, _options.Reach, y, x, inside: false)
        );
    }
}
