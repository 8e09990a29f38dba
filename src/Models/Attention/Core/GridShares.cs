using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Attention.Core;

/// <summary>How the places of a coarse grid share out to those of a finer one that they were made of.</summary>
internal static class GridShares
{
    /// <summary>Squares of a fixed side; those at the lower and right border may be cut off, and places beyond the last get
    /// nothing.</summary>
    /// <param name="values">[..., leading + height * width].</param>
    /// <param name="fine">The finer grid; its leading tokens are those of the values.</param>
    /// <param name="height">Rows of squares.</param>
    /// <param name="width">Columns of squares.</param>
    /// <returns>[..., leading + H * W], of the same sum.</returns>
    public static Tensor Squares(Tensor values, TokenGrid fine, int height, int width, int side) =>
        Spread(values, fine, height, width, side);

    /// <summary>As many parts along each axis as the coarse grid has places, as adaptive pooling cuts them: they overlap where the lengths
    /// are no multiples.</summary>
    public static Tensor Parts(Tensor values, TokenGrid fine, int height, int width) => Spread(values, fine, height, width, null);

    /// <summary>From one stage of a network to the one before: squares where a whole number of places fits, otherwise parts.</summary>
    public static Tensor BetweenStages(Tensor values, TokenGrid fine, TokenGrid coarse)
    {
        var side = Residues.Ceiling(fine.Height, coarse.Height);
        var squares =
            Residues.Ceiling(fine.Width, coarse.Width) == side
            && Residues.Ceiling(fine.Height, side) == coarse.Height
            && Residues.Ceiling(fine.Width, side) == coarse.Width;
        return Spread(values, fine with { Leading = coarse.Leading }, coarse.Height, coarse.Width, squares ? side : null);
    }

    private static Tensor Spread(Tensor values, TokenGrid fine, int height, int width, int? side)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = (Along(fine.Height, height, side), Along(fine.Width, width, side));
        Tensor On(float[] shares, int parts, int places) => tensor(shares, device: values.device).to(values.dtype).view(parts, places);
        long[] outer = values.shape[..^1];
        var map = values.narrow(-1, fine.Leading, (long)height * width).view([.. outer, height, width]);
        map = On(rows, height, fine.Height).t().matmul(map).matmul(On(columns, width, fine.Width)).reshape([.. outer, -1]);
        return scope.MoveToOuter(fine.Leading == 0 ? map : cat([values.narrow(-1, 0, fine.Leading), map], -1));
    }

    // [parts * places]: each part's row adds up to 1.
    private static float[] Along(int places, int parts, int? side)
    {
        var shares = new float[parts * places];
        for (var part = 0; part < parts; part++)
        {
            var first = side is { } fixedSide ? part * fixedSide : part * places / parts;
            var end = side is { } length ? Math.Min(first + length, places) : (((part + 1) * places) + parts - 1) / parts;
            for (var place = first; place < end; place++)
                shares[(part * places) + place] = 1f / (end - first);
        }
        return shares;
    }
}
