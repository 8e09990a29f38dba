namespace Tessera.Datasets.Images.Codecs;

/// <summary>Pixels of 1, 2 or 4 bits, the leftmost in the highest bits, to bytes.</summary>
internal static class BitUnpacking
{
    /// <param name="packed">Rows of whole bytes, <paramref name="stride"/> apart (0: as short as can be).</param>
    /// <param name="scale">Each value is multiplied by it.</param>
    public static byte[] ToBytes(ReadOnlySpan<byte> packed, int height, int width, int bits, int scale, int stride = 0)
    {
        if (stride == 0)
            stride = checked((int)(((long)width * bits + 7) / 8));
        var values = new byte[checked((long)height * width)];
        var mask = (1 << bits) - 1;
        for (var y = 0; y < height; y++)
        {
            var row = packed.Slice(y * stride, stride);
            var target = values.AsSpan(y * width, width);
            for (var x = 0; x < width; x++)
            {
                var bit = x * bits;
                target[x] = (byte)(((row[bit >> 3] >> (8 - bits - (bit & 7))) & mask) * scale);
            }
        }
        return values;
    }
}
