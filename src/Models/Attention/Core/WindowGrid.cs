using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention.Core;

/// <summary>A grid of tokens cut into windows, filled up and shifted where that is asked for, and put together again.</summary>
/// <param name="Places">The grid.</param>
/// <param name="WindowY">Rows of a window.</param>
/// <param name="WindowX">Columns of a window.</param>
/// <param name="ShiftY">Rows that the grid is shifted up.</param>
/// <param name="ShiftX">Columns that it is shifted to the left.</param>
/// <param name="ShiftFirst">Whether it is filled up after the shift.</param>
internal readonly record struct WindowGrid(Places Places, int WindowY, int WindowX, int ShiftY, int ShiftX, bool ShiftFirst) : IGroups
{
    /// <summary>Rows of the grid, filled up.</summary>
    public int Height => Places.Height + Residues.Missing(Places.Height, WindowY);

    /// <summary>Columns of the grid, filled up.</summary>
    public int Width => Places.Width + Residues.Missing(Places.Width, WindowX);

    /// <summary>Whether the windows don't divide the grid.</summary>
    public bool IsPadded => Height > Places.Height || Width > Places.Width;

    int IGroups.Size => WindowY * WindowX;

    Tensor IGroups.Groups(Tensor x) => Windows(x, null);

    private bool IsShifted => ShiftY + ShiftX > 0;

    /// <param name="x">[X, tokens, d].</param>
    /// <param name="filling">[X, 1, 1, d]; null: zeros.</param>
    /// <returns>[X, windows, T, d].</returns>
    public Tensor Windows(Tensor x, Tensor? filling)
    {
        x = x.view(x.shape[0], Places.Height, Places.Width, x.shape[2]);
        if (ShiftFirst && IsShifted)
            x = x.roll([-ShiftY, -ShiftX], [1, 2]);
        if (IsPadded)
            x = Filled(x, filling?.to(x.dtype));
        if (!ShiftFirst && IsShifted)
            x = x.roll([-ShiftY, -ShiftX], [1, 2]);
        return x.reshape(x.shape[0], Height / WindowY, WindowY, Width / WindowX, WindowX, x.shape[3])
            .permute(0, 1, 3, 2, 4, 5)
            .reshape(x.shape[0], -1, WindowY * WindowX, x.shape[3]);
    }

    /// <param name="x">[X, windows, T, d].</param>
    /// <returns>[X, tokens, d].</returns>
    public Tensor Tokens(Tensor x)
    {
        x = x.view(x.shape[0], Height / WindowY, Width / WindowX, WindowY, WindowX, x.shape[3])
            .permute(0, 1, 3, 2, 4, 5)
            .reshape(x.shape[0], Height, Width, x.shape[3]);
        if (!ShiftFirst && IsShifted)
            x = x.roll([ShiftY, ShiftX], [1, 2]);
        x = x.narrow(1, 0, Places.Height).narrow(2, 0, Places.Width);
        if (ShiftFirst && IsShifted)
            x = x.roll([ShiftY, ShiftX], [1, 2]);
        return x.flatten(1, 2);
    }

    /// <summary>[X, H, W, d] brought to the full height and width, below and to the right.</summary>
    private Tensor Filled(Tensor x, Tensor? filling)
    {
        var (down, right) = (Height - x.shape[1], Width - x.shape[2]);
        if (filling is null)
            return functional.pad(x, [0, 0, 0, right, 0, down]);
        if (right > 0)
            x = cat([x, filling.expand(-1, x.shape[1], right, -1)], 2);
        return down > 0 ? cat([x, filling.expand(-1, down, Width, -1)], 1) : x;
    }
}
