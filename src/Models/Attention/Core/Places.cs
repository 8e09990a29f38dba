using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Attention.Core;

/// <summary>Tokens [X, n, d] as a grid for the patterns: their own, or, as a sequence, one row.</summary>
internal readonly struct Places
{
    public Places(TokenGrid grid, TokenLayout layout) =>
        (Height, Width) = layout == TokenLayout.Grid ? (grid.Height, grid.Width) : (1, grid.Height * grid.Width);

    public int Height { get; }

    public int Width { get; }

    /// <summary>A step for rows and columns; 1 along an axis of one position. By default the square root of the axis, rounded.</summary>
    public (int Y, int X) Rates(int? rate)
    {
        return (Along(Height), Along(Width));
        int Along(int length) => Math.Clamp(rate ?? (int)Math.Round(Math.Sqrt(length)), 1, length);
    }

    public GridPattern Pattern(Tensor q, Tensor k, Tensor v, double dropout, bool sums, SizeTables tables)
    {
        var (height, width) = (Height, Width);
        Tensor Grid(Tensor x) => x.view(x.shape[0], height, width, x.shape[2]);
        return new GridPattern(Grid(q), Grid(k), Grid(v), (long)height * width, dropout, sums, tables);
    }

    public Attended Flat(Attended grid) => new(grid.Out.flatten(1, 2), grid.Sums?.flatten(1, 2));
}
