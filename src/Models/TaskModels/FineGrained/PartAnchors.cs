namespace Tessera.Models.TaskModels.FineGrained;

/// <summary>Boxes of several sizes and shapes over an image, one for each score of a <see cref="ProposalNet"/>.</summary>
/// <remarks>In the scores' order: level, scale, ratio, row, column. A box of a level has height s / √r and width s · √r about the middle of
/// its cell; corners are rounded down.</remarks>
internal static class PartAnchors
{
    private static readonly double[] s_ratios = [0.667, 1, 1.5]; // width over height, as the authors write them

    private static readonly double[][] s_scales =
    [
        [Math.Cbrt(2), Math.Cbrt(4)],
        [Math.Cbrt(2), Math.Cbrt(4)],
        [1, Math.Cbrt(2), Math.Cbrt(4)],
    ];

    /// <summary>Boxes of a cell, for each level.</summary>
    public static IReadOnlyList<int> PerCell { get; } = [.. s_scales.Select(scales => scales.Length * s_ratios.Length)];

    /// <param name="rows">Of the backbone's map; each further level has half as many, rounded up.</param>
    /// <param name="columns">Of the backbone's map.</param>
    /// <param name="stride">Pixels of the image to a cell of that map.</param>
    /// <param name="size">Side of the first level's boxes before scaling, in strides.</param>
    public static PartBox[] Of(int rows, int columns, int stride, double size)
    {
        var boxes = new List<PartBox>();
        for (var level = 0; level < s_scales.Length; level++)
        {
            foreach (var scale in s_scales[level])
            foreach (var ratio in s_ratios)
            {
                var height = (float)(size * stride * scale / Math.Sqrt(ratio));
                var width = (float)(size * stride * scale * Math.Sqrt(ratio));
                for (var row = 0; row < rows; row++)
                for (var column = 0; column < columns; column++)
                    boxes.Add(About((column + 0.5f) * stride, (row + 0.5f) * stride, width, height));
            }
            (rows, columns, stride) = ((rows + 1) / 2, (columns + 1) / 2, stride * 2);
        }
        return [.. boxes];
    }

    private static PartBox About(float x, float y, float width, float height)
    {
        var (left, top) = ((int)MathF.Floor(x - width / 2), (int)MathF.Floor(y - height / 2));
        var (right, bottom) = ((int)MathF.Floor(x + width / 2), (int)MathF.Floor(y + height / 2));
        return new PartBox(left, top, Math.Max(right, left + 1), Math.Max(bottom, top + 1));
    }
}
