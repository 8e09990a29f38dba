using Tessera.Framework.Data;

namespace Tessera.Models.Explanation.Faithfulness;

/// <summary>The control: a map that knows neither image nor model, as coarse as those of a network's last layer.</summary>
public static class RandomMap
{
    /// <param name="grid">Rows and columns of independent values, each uniform in [0, 1); enlarged bilinearly, half-pixel centres.</param>
    /// <returns>[H * W].</returns>
    public static float[] Of(int height, int width, int grid, RandomSource random)
    {
        var values = new double[grid * grid];
        for (var i = 0; i < values.Length; i++)
            values[i] = random.NextDouble();
        var (rows, columns) = (Taps(height, grid), Taps(width, grid));
        var map = new float[height * width];
        for (var y = 0; y < height; y++)
        for (var x = 0; x < width; x++)
        {
            var ((top, bottom, down), (left, right, across)) = (rows[y], columns[x]);
            var above = Between(values[(top * grid) + left], values[(top * grid) + right], across);
            var below = Between(values[(bottom * grid) + left], values[(bottom * grid) + right], across);
            map[(y * width) + x] = (float)Between(above, below, down);
        }
        return map;
    }

    private static (int Low, int High, double Part)[] Taps(int size, int grid) =>
        [
            .. Enumerable
                .Range(0, size)
                .Select(i =>
                {
                    var place = Math.Clamp(((i + 0.5) * grid / size) - 0.5, 0, grid - 1);
                    var low = (int)place;
                    return (low, Math.Min(low + 1, grid - 1), place - low);
                }),
        ];

    private static double Between(double a, double b, double part) => a + (part * (b - a));
}
