using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Changes of 8-bit values that depend on the value alone, looked up.</summary>
internal static unsafe class ByteTables
{
    private const int Levels = 256;

    /// <summary>Fills a channel's table, which holds every value itself.</summary>
    /// <param name="histogram">[256], how often each value comes.</param>
    /// <param name="table">[256].</param>
    public delegate void Fill(ReadOnlySpan<int> histogram, Span<byte> table);

    /// <summary>The same for all channels.</summary>
    public static Image Map(Image image, Func<int, byte> of)
    {
        var table = stackalloc byte[Levels];
        for (var value = 0; value < Levels; value++)
            table[value] = of(value);
        var result = PixelLayout.Like(image, image.Height, image.Width);
        fixed (
            byte* source = image.Bytes,
                target = result.Bytes
        )
        {
            byte* from = source,
                to = target,
                end = source + image.Bytes.Length;
            for (; from <= end - 4; from += 4, to += 4)
                (to[0], to[1], to[2], to[3]) = (table[from[0]], table[from[1]], table[from[2]], table[from[3]]);
            for (; from < end; from++, to++)
                *to = table[*from];
        }
        return result;
    }

    /// <summary>Each channel by its own histogram.</summary>
    public static Image MapByHistogram(Image image, Fill fill)
    {
        var channels = image.Channels;
        Span<int> histograms = new int[channels * Levels];
        var tables = new byte[channels * Levels];
        var result = PixelLayout.Like(image, image.Height, image.Width);
        fixed (
            byte* source = image.Bytes,
                target = result.Bytes,
                table = tables
        )
        {
            var end = source + image.Bytes.Length;
            fixed (int* counts = histograms)
                if (channels == 3)
                    Count(source, end, counts);
                else
                    for (var from = source; from < end; from++)
                        counts[((from - source) % channels * Levels) + *from]++;
            for (var c = 0; c < channels; c++)
            {
                var own = tables.AsSpan(c * Levels, Levels);
                for (var value = 0; value < Levels; value++)
                    own[value] = (byte)value;
                fill(histograms.Slice(c * Levels, Levels), own);
            }
            if (channels == 3)
                Look(source, end, target, table);
            else
                for (var from = source; from < end; from++)
                    target[from - source] = table[((from - source) % channels * Levels) + *from];
        }
        return result;
    }

    private static void Count(byte* from, byte* end, int* counts)
    {
        for (; from < end; from += 3)
        {
            counts[from[0]]++;
            counts[Levels + from[1]]++;
            counts[(2 * Levels) + from[2]]++;
        }
    }

    private static void Look(byte* from, byte* end, byte* to, byte* table)
    {
        for (; from < end; from += 3, to += 3)
            (to[0], to[1], to[2]) = (table[from[0]], table[Levels + from[1]], table[(2 * Levels) + from[2]]);
    }
}
