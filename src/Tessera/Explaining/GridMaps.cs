namespace Tessera.Explaining;

/// <summary>Maps over a grid of tokens, in the size of the image that the tokens were made of.</summary>
internal static class GridMaps
{
    /// <summary>Bilinear between the middles of the grid's cells.</summary>
    public static RelevanceMap Enlarge(RelevanceMap map, int height, int width) => Fill(height, width, (y, x) => Between(map, y, x));

    /// <summary>Each cell keeps its value.</summary>
    public static RelevanceMap EnlargeCells(RelevanceMap map, int height, int width) =>
        Fill(height, width, (y, x) => map[(int)(y * map.Height), (int)(x * map.Width)]);

    // The value at the middle of each pixel, in shares of the image.
    private static RelevanceMap Fill(int height, int width, Func<double, double, float> at)
    {
        var values = new float[height * width];
        for (var y = 0; y < height; y++)
        for (var x = 0; x < width; x++)
            values[(y * width) + x] = at((y + 0.5) / height, (x + 0.5) / width);
        return new RelevanceMap(height, width, values);
    }

    private static float Between(RelevanceMap map, double down, double right)
    {
        var (y, x) = (Math.Clamp((down * map.Height) - 0.5, 0, map.Height - 1), Math.Clamp((right * map.Width) - 0.5, 0, map.Width - 1));
        var (top, left) = ((int)y, (int)x);
        var (bottom, last) = (Math.Min(top + 1, map.Height - 1), Math.Min(left + 1, map.Width - 1));
        var upper = map[top, left] + ((x - left) * (map[top, last] - map[top, left]));
        var lower = map[bottom, left] + ((x - left) * (map[bottom, last] - map[bottom, left]));
        return (float)(upper + ((y - top) * (lower - upper)));
    }
}
