using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Filtering;

/// <summary>Contrast limited adaptive histogram equalization: every tile of an image is equalized for itself, with its histogram cut off
/// at a limit, and pixels mix the results of the tiles around them.</summary>
/// <remarks>Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV, 1994. Agrees with OpenCV's createCLAHE. As
/// there, an image whose sides aren't multiples of the tiles is mirrored to the right and below, and what is cut off is spread evenly,
/// its rest in steps.</remarks>
internal static class ContrastLimitedEqualization
{
    private const int Levels = 256;

    /// <summary>Equalizes one channel, in place.</summary>
    /// <param name="values">[H * W * stride].</param>
    /// <param name="offset">Of the channel.</param>
    /// <param name="stride">Values from one pixel to the next.</param>
    /// <param name="clipLimit">Pixels of a level, as a multiple of their mean; 0: no limit.</param>
    /// <param name="tilesDown">Tiles of a column.</param>
    /// <param name="tilesAcross">Tiles of a row.</param>
    public static void Apply(
        Span<byte> values,
        int offset,
        int stride,
        int height,
        int width,
        double clipLimit,
        int tilesDown,
        int tilesAcross
    )
    {
        var whole = height % tilesDown == 0 && width % tilesAcross == 0;
        var (tileHeight, tileWidth) = whole
            ? (height / tilesDown, width / tilesAcross)
            : ((height / tilesDown) + 1, (width / tilesAcross) + 1);
        var limit = clipLimit > 0 ? Math.Max(1, (int)(clipLimit * (tileHeight * tileWidth) / Levels)) : 0;
        var tables = new byte[tilesDown * tilesAcross * Levels];
        Span<int> histogram = stackalloc int[Levels];
        for (var tile = 0; tile < tilesDown * tilesAcross; tile++)
        {
            histogram.Clear();
            var (top, left) = (tile / tilesAcross * tileHeight, tile % tilesAcross * tileWidth);
            for (var y = top; y < top + tileHeight; y++)
            {
                var row = offset + (Mirrored(y, height) * width * stride);
                for (var x = left; x < left + tileWidth; x++)
                    histogram[values[row + (Mirrored(x, width) * stride)]]++;
            }
            if (limit > 0)
                Cut(histogram, limit);
            Accumulate(histogram, (Levels - 1f) / (tileHeight * tileWidth), tables.AsSpan(tile * Levels, Levels));
        }
        var columns = new Place[width];
        for (var x = 0; x < width; x++)
            columns[x] = Place.Of(x, 1f / tileWidth, tilesAcross);
        for (var y = 0; y < height; y++)
        {
            var row = Place.Of(y, 1f / tileHeight, tilesDown);
            var upper = tables.AsSpan(row.Before * tilesAcross * Levels, tilesAcross * Levels);
            var lower = tables.AsSpan(row.After * tilesAcross * Levels, tilesAcross * Levels);
            for (var x = 0; x < width; x++)
            {
                ref var value = ref values[offset + (((y * width) + x) * stride)];
                var column = columns[x];
                var (first, second) = ((column.Before * Levels) + value, (column.After * Levels) + value);
                var above = (upper[first] * (1 - column.Part)) + (upper[second] * column.Part);
                var below = (lower[first] * (1 - column.Part)) + (lower[second] * column.Part);
                value = (byte)MathF.Round((above * (1 - row.Part)) + (below * row.Part));
            }
        }
    }

    /// <summary>The tiles whose middles lie before and after a pixel, and how far it is from one to the other.</summary>
    private readonly record struct Place(int Before, int After, float Part)
    {
        public static Place Of(int at, float perPixel, int tiles)
        {
            var place = (at * perPixel) - 0.5f;
            var before = (int)MathF.Floor(place);
            return new(Math.Max(before, 0), Math.Min(before + 1, tiles - 1), place - before);
        }
    }

    /// <summary>An index beyond the end goes back, without the last one twice.</summary>
    private static int Mirrored(int at, int count)
    {
        if (at < count)
            return at;
        if (count == 1)
            return 0;
        var around = at % (2 * (count - 1));
        return around < count ? around : (2 * (count - 1)) - around;
    }

    private static void Cut(Span<int> histogram, int limit)
    {
        var left = 0;
        foreach (ref var count in histogram)
        {
            left += Math.Max(0, count - limit);
            count = Math.Min(count, limit);
        }
        foreach (ref var count in histogram)
            count += left / Levels;
        left %= Levels;
        var step = left > 0 ? Math.Max(1, Levels / left) : 1;
        for (var i = 0; i < Levels && left > 0; i += step, left--)
            histogram[i]++;
    }

    private static void Accumulate(ReadOnlySpan<int> histogram, float scale, Span<byte> table)
    {
        var sum = 0;
        for (var i = 0; i < Levels; i++)
        {
            sum += histogram[i];
            table[i] = (byte)Math.Clamp(MathF.Round(sum * scale), 0, byte.MaxValue);
        }
    }
}
