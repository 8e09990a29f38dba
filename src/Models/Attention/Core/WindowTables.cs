using static TorchSharp.torch;

namespace Tessera.Models.Attention.Core;

/// <summary>What a window attention looks up: made once for a device and a size of the grid, and kept.</summary>
/// <param name="windowY">Rows of a window.</param>
/// <param name="windowX">Columns of a window.</param>
/// <param name="masksPadding">Whether positions beyond the grid are no tokens.</param>
/// <param name="kept">Keeps them.</param>
internal sealed class WindowTables(int windowY, int windowX, bool masksPadding, SizeTables kept)
{
    private int Tokens => windowY * windowX;

    /// <summary>The row of the bias table for each pair of a window's tokens, [T * T].</summary>
    public Tensor Index(Device device) => kept.Get(nameof(Index), device, () => [MakeIndex(device)])[0]!;

    /// <summary>Pairs within a window of the shifted, padded grid that must not attend each other: [windows, T, T]; null where there are
    /// none.</summary>
    public Tensor? Apart(WindowGrid grid, Device device)
    {
        if (grid.ShiftY + grid.ShiftX == 0 && (!masksPadding || !grid.IsPadded))
            return null;
        var size = new Size(grid.Places.Height, grid.Places.Width, grid.Height, grid.Width, grid.ShiftY, grid.ShiftX);
        return kept.Get(size, device, () => [MakeMask(size, device)])[0];
    }

    private Tensor MakeIndex(Device device)
    {
        var index = new long[Tokens * Tokens];
        for (var a = 0; a < Tokens; a++)
        for (var b = 0; b < Tokens; b++)
        {
            var (down, right) = ((a / windowX) - (b / windowX) + windowY - 1, (a % windowX) - (b % windowX) + windowX - 1);
            index[(a * Tokens) + b] = (down * ((2 * windowX) - 1)) + right;
        }
        return tensor(index, device: device);
    }

    private Tensor MakeMask(Size size, Device device)
    {
        var across = size.PaddedWidth / windowX;
        var regions = new long[size.PaddedHeight * size.PaddedWidth]; // by window, then by token
        for (var y = 0; y < size.PaddedHeight; y++)
        for (var x = 0; x < size.PaddedWidth; x++)
        {
            // Where position (y, x) of the shifted grid comes from; what came around the border is a region of its own.
            var (fromY, fromX) = ((y + size.ShiftY) % size.PaddedHeight, (x + size.ShiftX) % size.PaddedWidth);
            var region = masksPadding && (fromY >= size.Height || fromX >= size.Width) ? -1 : (fromY < y ? 2 : 0) + (fromX < x ? 1 : 0);
            regions[((((y / windowY) * across) + (x / windowX)) * Tokens) + ((y % windowY) * windowX) + (x % windowX)] = region;
        }
        var byWindow = tensor(regions, device: device).view(-1, Tokens, 1);
        return byWindow.ne(byWindow.transpose(1, 2));
    }

    private readonly record struct Size(int Height, int Width, int PaddedHeight, int PaddedWidth, int ShiftY, int ShiftX);
}
