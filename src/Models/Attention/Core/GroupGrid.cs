using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention.Core;

/// <summary>
/// A grid of tokens cut into groups, and put together again. The grid is cut into regions of Rows * Step by Columns * Step tokens; a
/// group takes every Step-th row and column of a region. What a region lacks below and to the right is filled up.
/// </summary>
/// <param name="Height">Rows of the grid.</param>
/// <param name="Width">Columns of the grid.</param>
/// <param name="Rows">Rows of a group.</param>
/// <param name="Columns">Columns of a group.</param>
/// <param name="Step">Between the rows, and between the columns, of a group.</param>
internal readonly record struct GroupGrid(int Height, int Width, int Rows, int Columns, int Step) : IGroups
{
    /// <summary>Tokens of a group.</summary>
    public int Count => Rows * Columns;

    /// <summary>Whether the regions don't divide the grid.</summary>
    public bool IsPadded => Down + Right > 0;

    int IGroups.Size => Count;

    private int Down => Residues.Missing(Height, Rows * Step);

    private int Right => Residues.Missing(Width, Columns * Step);

    private int RegionsY => (Height + Down) / (Rows * Step);

    private int RegionsX => (Width + Right) / (Columns * Step);

    /// <param name="x">[X, tokens, d].</param>
    /// <returns>[X, groups, T, d], with zeros where there is no token.</returns>
    public Tensor Groups(Tensor x)
    {
        x = x.view(x.shape[0], Height, Width, x.shape[2]);
        if (IsPadded)
            x = functional.pad(x, [0, 0, 0, Right, 0, Down]);
        return x.reshape(x.shape[0], RegionsY, Rows, Step, RegionsX, Columns, Step, x.shape[3])
            .permute(0, 1, 4, 3, 6, 2, 5, 7)
            .reshape(x.shape[0], -1, Count, x.shape[3]);
    }

    /// <param name="x">[X, groups, T, d].</param>
    /// <returns>[X, tokens, d].</returns>
    public Tensor Tokens(Tensor x) =>
        x.reshape(x.shape[0], RegionsY, RegionsX, Step, Step, Rows, Columns, x.shape[3])
            .permute(0, 1, 5, 3, 2, 6, 4, 7)
            .reshape(x.shape[0], Height + Down, Width + Right, x.shape[3])
            .narrow(1, 0, Height)
            .narrow(2, 0, Width)
            .flatten(1, 2);

    /// <summary>Which positions of the groups are no tokens, [groups, 1, T].</summary>
    public Tensor Missing(Device device) => Groups(ones(1, (long)Height * Width, 1, device: device)).eq(0).view(-1, 1, Count);

    /// <summary>How far a group's tokens can lie from each other, in steps: (rows, columns), [(2 Rows - 1) (2 Columns - 1), 2].</summary>
    public Tensor Offsets(Device device)
    {
        var offsets = new float[((2 * Rows) - 1) * ((2 * Columns) - 1) * 2];
        var n = 0;
        for (var y = 1 - Rows; y < Rows; y++)
        for (var x = 1 - Columns; x < Columns; x++)
            (offsets[n++], offsets[n++]) = (y, x);
        return tensor(offsets, device: device).view(-1, 2);
    }

    /// <summary>The row of <see cref="Offsets"/> for each query of a group and each key, [T * T].</summary>
    public Tensor OffsetIndex(Device device)
    {
        var index = new long[(long)Count * Count];
        for (var a = 0; a < Count; a++)
        for (var b = 0; b < Count; b++)
        {
            var (down, right) = ((a / Columns) - (b / Columns) + Rows - 1, (a % Columns) - (b % Columns) + Columns - 1);
            index[((long)a * Count) + b] = (down * ((2L * Columns) - 1)) + right;
        }
        return tensor(index, device: device);
    }
}
