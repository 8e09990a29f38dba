using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;

namespace Tessera.Models.Attention;

/// <param name="Rate">Tokens whose positions agree modulo this attend each other; by default the square root of the number of tokens (for
/// "grid": of rows and columns), rounded.</param>
/// <param name="Layout">"sequence": positions in the sequence; "grid": rows and columns both.</param>
public sealed record AtrousAttentionOptions([property: Range(1, 65536)] int? Rate = null, TokenLayout Layout = TokenLayout.Sequence);

/// <summary>Tokens that lie a multiple of the rate apart attend each other: n² / rate weights.</summary>
/// <remarks>Su, "Sparse attention" (atrous self attention), 2019, kexue.fm/archives/6853; a regular grid of steps as in dilated
/// convolutions.</remarks>
[Component("AtrousAttention")]
public sealed class AtrousAttention : PatternAttention
{
    private readonly AtrousAttentionOptions _options;

    public AtrousAttention(AtrousAttentionOptions options, AttentionShape shape)
        : base(nameof(AtrousAttention), shape)
    {
        _options = options;
        RegisterComponents();
    }

    internal override bool ComparesTokens => true;

    private protected override Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums)
    {
        var places = new Places(grid, _options.Layout);
        var (y, x) = places.Rates(_options.Rate);
        return places.Flat(places.Pattern(queries, keys, values, WeightDropout, sums, Tables).Congruent(y, x));
    }
}
