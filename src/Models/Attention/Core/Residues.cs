using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention.Core;

/// <summary>A grid [X, H, W, d] sorted by row and column modulo a rate, and back. A sequence is a grid of one row.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="RateY">Of the rows.</param>
/// <param name="RateX">Of the columns.</param>
internal readonly record struct Residues(int Height, int Width, int RateY, int RateX)
{
    /// <summary>Residues: classes of tokens.</summary>
    public int Count => RateY * RateX;

    /// <summary>Rows of a class.</summary>
    public int Rows => (Height + RateY - 1) / RateY;

    /// <summary>Columns of a class.</summary>
    public int Columns => (Width + RateX - 1) / RateX;

    /// <summary>A quotient, rounded up.</summary>
    public static int Ceiling(int length, int divisor) => (length + divisor - 1) / divisor;

    /// <summary>What a length lacks to a multiple.</summary>
    public static int Missing(int length, int multiple) => (multiple - (length % multiple)) % multiple;

    /// <returns>[X, Count, Rows, Columns, d], zeros where there is no token.</returns>
    public Tensor Split(Tensor x)
    {
        if (Count == 1)
            return x.unsqueeze(1);
        var (down, right) = (Missing(Height, RateY), Missing(Width, RateX));
        if (down + right > 0)
            x = functional.pad(x, [0, 0, 0, right, 0, down]);
        return x.view(x.shape[0], Rows, RateY, Columns, RateX, x.shape[3])
            .permute(0, 2, 4, 1, 3, 5)
            .reshape(x.shape[0], Count, Rows, Columns, x.shape[3]);
    }

    /// <param name="x">[X, Count, Rows, Columns, d].</param>
    /// <returns>[X, H, W, d].</returns>
    public Tensor Join(Tensor x)
    {
        if (Count == 1)
            return x.squeeze(1);
        var (batch, width) = (x.shape[0], x.shape[4]);
        x = x.view(batch, RateY, RateX, Rows, Columns, width)
            .permute(0, 3, 1, 4, 2, 5)
            .reshape(batch, Rows * RateY, Columns * RateX, width);
        return x.narrow(1, 0, Height).narrow(2, 0, Width);
    }
}
