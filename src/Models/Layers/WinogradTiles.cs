namespace Tessera.Models.Layers;

/// <summary>The tiles of 4 x 4 outputs that cover a batch of maps. A dilated convolution is one of its own on each of the dilation²
/// maps that
/// hold every dilation-th row and column.</summary>
/// <param name="Images">Maps in the batch.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Dilation">At least 1.</param>
internal readonly record struct WinogradTiles(int Images, int Height, int Width, int Dilation)
{
    /// <summary>Outputs along the side of a tile.</summary>
    public const int Out = 4;

    /// <summary>Inputs along the side of a tile: its outputs and one pixel around them.</summary>
    public const int In = Out + 2;

    /// <summary>A pixel beyond the map.</summary>
    public const int Outside = -1;

    private int Rows => Along(Height);

    private int Columns => Along(Width);

    /// <summary>Tiles in all.</summary>
    public int Count => Images * Rows * Columns;

    /// <summary>Which inputs a tile reads.</summary>
    /// <param name="pixels">[<see cref="In"/>²]: indices into the batch's pixels, image by image and row by row; or <see
    /// cref="Outside"/>.</param>
    public void Inputs(int tile, Span<int> pixels) => Pixels(tile, In, -1, pixels);

    /// <summary>Which outputs a tile writes.</summary>
    /// <param name="pixels">[<see cref="Out"/>²], as for <see cref="Inputs"/>.</param>
    public void Outputs(int tile, Span<int> pixels) => Pixels(tile, Out, 0, pixels);

    private void Pixels(int tile, int side, int before, Span<int> pixels)
    {
        var (image, rest) = Math.DivRem(tile, Rows * Columns);
        var (row, column) = Math.DivRem(rest, Columns);
        var (firstRow, firstColumn) = (First(row) + (before * Dilation), First(column) + (before * Dilation));
        for (var i = 0; i < side; i++)
        for (var j = 0; j < side; j++)
        {
            var (y, x) = (firstRow + (i * Dilation), firstColumn + (j * Dilation));
            pixels[(i * side) + j] = (uint)y < (uint)Height && (uint)x < (uint)Width ? (((image * Height) + y) * Width) + x : Outside;
        }
    }

    /// <summary>The first output of the tiles that are the index-th along a side: Dilation tiles lie between one another.</summary>
    private int First(int index)
    {
        var (block, phase) = Math.DivRem(index, Dilation);
        return (block * Out * Dilation) + phase;
    }

    /// <summary>Tiles along a side; those of which no output lies in the map are not counted.</summary>
    private int Along(int length)
    {
        var (blocks, rest) = Math.DivRem(length, Out * Dilation);
        return (blocks * Dilation) + Math.Min(rest, Dilation);
    }
}
