using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>Decompresses a PNG's pixels into values as they are stored: palette indices, and gray of 1, 2 and 4 bits, unscaled, a byte
/// each.</summary>
internal static unsafe class PngPixels
{
    /// <summary>Deflate's best: two bits stand for 258 bytes.</summary>
    private const int LargestRatio = 1032;

    private const int Spare = 64 << 10; // what a row may be longer than its pixels, and more

    /// <returns>[Height, Width, Channels], of 8 bits, or of 16 in the machine's order.</returns>
    /// <exception cref="Framework.Errors.UserErrorException">The data are damaged, too few, or more than an array holds.</exception>
    public static byte[] Decode(ReadOnlySpan<byte> data, PngFile file, string name)
    {
        var header = file.Header;
        var size = header.DataSize;
        if (size > (Int128)file.DataLength * LargestRatio)
            throw ImageErrors.Truncated(
                name,
                "PNG",
                $"{file.DataLength:N0} bytes of data can't hold {header.Width:N0} x {header.Height:N0} pixels"
            );
        if ((Int128)header.Height * header.Width * header.PixelSize > Array.MaxLength - Spare || size > Array.MaxLength - Spare)
            throw ImageErrors.Unsupported(
                name,
                $"a PNG of {header.Width:N0} x {header.Height:N0} pixels",
                "Up to 2 GB of pixels are read; cut it into tiles."
            );
        byte[] values;
        fixed (byte* bytes = data)
        {
            using var rows = new PngRows(new PngDataStream(bytes, file.Data.Begin, file.Data.End), name);
            values = header.Interlaced ? Interlaced(rows, header, name) : Plain(rows, header, name);
        }
        if (header.BitDepth == 16 && BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<byte, ushort>(values.AsSpan());
            BinaryPrimitives.ReverseEndianness(words, words);
        }
        return values;
    }

    private static byte[] Plain(PngRows rows, PngHeader header, string name)
    {
        var stride = (int)header.Stride(header.Width);
        var values = PixelBuffers.Rent(stride * header.Height);
        rows.Begin(header.Height, stride + 1);
        ReadOnlySpan<byte> prior = new byte[stride];
        for (var y = 0; y < header.Height; y++)
        {
            var target = values.AsSpan(y * stride, stride);
            Undo(rows.Next(), prior, target, header, name);
            prior = target;
        }
        if (header.BitDepth >= 8)
            return values;
        var unpacked = BitUnpacking.ToBytes(values, header.Height, header.Width, header.BitDepth, 1);
        PixelBuffers.Return(values);
        return unpacked;
    }

    private static byte[] Interlaced(PngRows rows, PngHeader header, string name)
    {
        var values = PixelBuffers.Rent(header.Height * header.Width * header.PixelSize);
        foreach (var pass in header.Passes)
        {
            var (height, width) = pass.Of(header.Height, header.Width);
            if (height == 0 || width == 0)
                continue;
            var stride = (int)header.Stride(width);
            rows.Begin(height, stride + 1);
            var (prior, row) = (new byte[stride], new byte[stride]);
            for (var y = 0; y < height; y++, (prior, row) = (row, prior))
            {
                Undo(rows.Next(), prior, row, header, name);
                Scatter(row, values.AsSpan((pass.Y + y * pass.StepY) * header.Width * header.PixelSize), pass, width, header);
            }
        }
        return values;
    }

    /// <summary>Puts a pass's row where its pixels belong in the image's row.</summary>
    private static void Scatter(ReadOnlySpan<byte> row, Span<byte> target, PngPass pass, int width, PngHeader header)
    {
        var size = header.PixelSize;
        for (var x = 0; x < width; x++)
        {
            var at = (pass.X + x * pass.StepX) * size;
            if (header.BitDepth < 8)
            {
                var bit = x * header.BitDepth;
                target[at] = (byte)((row[bit >> 3] >> (8 - header.BitDepth - (bit & 7))) & ((1 << header.BitDepth) - 1));
            }
            else
            {
                row.Slice(x * size, size).CopyTo(target[at..]);
            }
        }
    }

    private static void Undo(ReadOnlySpan<byte> row, ReadOnlySpan<byte> prior, Span<byte> target, PngHeader header, string name)
    {
        if (!PngFilter.Undo(row[0], row[1..], prior, target, header.FilterDistance))
            throw ImageErrors.Damaged(name, "PNG", $"row filter {row[0]}");
    }
}
