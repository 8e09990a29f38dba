using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>What becomes of rows and columns of tokens beyond the last whole square.</summary>
public enum GridRemainder
{
    /// <summary>They are filled up with zeros to squares, so that no token is lost.</summary>
    Fill,

    /// <summary>They are no part of any key, as in published code. A side shorter than a square is filled up.</summary>
    Drop,
}

/// <param name="Ratio">Side of the squares of tokens that become one key; 1: full attention.</param>
/// <param name="Remainder">What becomes of rows and columns that the ratio leaves over: "fill" (with zeros, to squares) or "drop".</param>
public sealed record SpatialReductionAttentionOptions([property: Range(1, 64)] int Ratio, GridRemainder Remainder = GridRemainder.Fill);

/// <summary>Keys and values from a shrunken grid. Leading tokens are keys as they are.</summary>
/// <remarks>
/// Wang et al., "Pyramid Vision Transformer", 2021, arXiv:2102.12122. By default a grid that the ratio does not divide is filled up
/// with zeros below and to the right, so that no token is lost; the published code leaves the remainder out.
/// </remarks>
[Component("SpatialReductionAttention")]
public sealed class SpatialReductionAttention : DenseAttention
{
    private readonly Conv2d? sr;
    private readonly LayerNorm? norm;
    private readonly int _ratio;
    private readonly bool _drops;

    public SpatialReductionAttention(SpatialReductionAttentionOptions options, AttentionShape shape)
        : base(nameof(SpatialReductionAttention), shape with { Fused = false })
    {
        (_ratio, _drops) = (options.Ratio, options.Remainder == GridRemainder.Drop);
        if (_ratio > 1)
            (sr, norm) = (Conv2d(shape.Channels, shape.Channels, _ratio, stride: _ratio), LayerNorm(shape.Channels));
        RegisterComponents();
    }

    public override Tensor Spread(Tensor keys, TokenGrid grid) =>
        sr is null ? base.Spread(keys, grid) : Core.GridShares.Squares(keys, grid, Squares(grid.Height), Squares(grid.Width), _ratio);

    protected override (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x, TokenGrid grid)
    {
        if (sr is null)
            return base.Project(x, grid);
        var map = ToMap(x, grid); // [B, C, H, W]
        var (down, right) = (Missing(grid.Height), Missing(grid.Width));
        if (down + right > 0)
            map = functional.pad(map, [0, right, 0, down]);
        return FromReduced(x, norm!.Normed(sr.call(map).flatten(2).transpose(1, 2)), grid);
    }

    private int Squares(int length) => _drops && length >= _ratio ? length / _ratio : Core.Residues.Ceiling(length, _ratio);

    private int Missing(int length) => Math.Max(0, (Squares(length) * _ratio) - length);
}
