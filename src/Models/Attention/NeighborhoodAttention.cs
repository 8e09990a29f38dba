using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;

namespace Tessera.Models.Attention;

/// <param name="KernelSize">Side of the neighbourhood, odd.</param>
/// <param name="Dilation">Step between the neighbours.</param>
/// <param name="Layout">"grid": a square of neighbours; "sequence": a run of them.</param>
public sealed record NeighborhoodAttentionOptions(
    [property: Range(1, 1023)] int KernelSize = 7,
    [property: Range(1, 1024)] int Dilation = 1,
    TokenLayout Layout = TokenLayout.Grid
);

/// <summary>
/// A token attends its nearest neighbours, always kernel_size of them (squared, on the grid) where there are so many: at a
/// border the window moves inwards.
/// </summary>
/// <remarks>
/// Hassani et al., "Neighborhood Attention Transformer", 2022, arXiv:2204.07143; Hassani and Shi, "Dilated Neighborhood
/// Attention Transformer", 2022, arXiv:2209.15001. Without their relative position bias.
/// </remarks>
[Component("NeighborhoodAttention")]
public sealed class NeighborhoodAttention : PatternAttention
{
    private readonly NeighborhoodAttentionOptions _options;

    public NeighborhoodAttention(NeighborhoodAttentionOptions options, AttentionShape shape)
        : base(nameof(NeighborhoodAttention), shape)
    {
        if (options.KernelSize % 2 == 0)
            throw new UserErrorException($"NeighborhoodAttention: kernel_size must be odd, not {options.KernelSize}.");
        _options = options;
        RegisterComponents();
    }

    internal override bool ComparesTokens => true;

    private protected override Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums)
    {
        var places = new Places(grid, _options.Layout);
        var (y, x) = places.Rates(_options.Dilation);
        var reach = _options.KernelSize / 2;
        return places.Flat(places.Pattern(queries, keys, values, WeightDropout, sums, Tables).Near(reach, reach, y, x, inside: true));
    }
}
