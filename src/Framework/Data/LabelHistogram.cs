namespace Tessera.Framework.Data;

/// <summary>How many pixels of a label image have which value.</summary>
public static class LabelHistogram
{
    /// <summary>Colours counted one by one; an image with more was drawn with soft edges or compressed, and its other pixels count under
    /// <see cref="Rest"/>.</summary>
    public const int MostColors = 4096;

    /// <summary>Stands for all values beyond the first <see cref="MostColors"/>.</summary>
    public const int Rest = -1;

    /// <param name="labels">One channel of 8 or 16 bits, or 8-bit RGB.</param>
    /// <returns>Pixels by value (0xRRGGBB for colours), in rising order of the values.</returns>
    public static IReadOnlyList<KeyValuePair<int, long>> Of(Image labels)
    {
        if (labels.Channels == 3)
            return OfColors(labels.Pixels<byte>());
        var counts = new long[labels.Type == PixelType.UInt8 ? 256 : 1 << 16];
        if (labels.Type == PixelType.UInt8)
        {
            foreach (var value in labels.Pixels<byte>())
                counts[value]++;
        }
        else
        {
            foreach (var value in labels.Pixels<ushort>())
                counts[value]++;
        }
        return
        [
            .. Enumerable
                .Range(0, counts.Length)
                .Where(value => counts[value] > 0)
                .Select(value => KeyValuePair.Create(value, counts[value])),
        ];
    }

    private static KeyValuePair<int, long>[] OfColors(ReadOnlySpan<byte> pixels)
    {
        var counts = new Dictionary<int, long>();
        for (var i = 0; i < pixels.Length; )
        {
            var color = Color(pixels, i);
            var begin = i;
            do i += 3;
            while (i < pixels.Length && Color(pixels, i) == color);
            if (counts.Count >= MostColors && !counts.ContainsKey(color))
                color = Rest;
            counts[color] = counts.GetValueOrDefault(color) + (i - begin) / 3;
        }
        return [.. counts.OrderBy(count => count.Key)];

        static int Color(ReadOnlySpan<byte> pixels, int at) => pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2];
    }
}
