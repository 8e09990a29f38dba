using System.Buffers.Binary;
using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>Uncompressed BMP of 1, 4, 8, 16, 24 and 32 bits. A few tables of integers; Skia would turn palette indices into
/// colours.</summary>
internal static class BmpCodec
{
    private const int Uncompressed = 0;
    private const int BitFields = 3;
    private const int AlphaBitFields = 6;

    private readonly record struct Layout(
        int Height,
        int Width,
        int Bits,
        bool TopDown,
        int PixelOffset,
        int PaletteOffset,
        int PaletteStep,
        int PaletteCount,
        uint[] Masks
    )
    {
        public int Stride => checked((int)(((long)Width * Bits + 31) / 32 * 4));
        public int Channels =>
            Bits <= 8 ? 1
            : Masks is [_, _, _, not 0] ? 4
            : 3;
    }

    public static ImageHeader ReadHeader(ReadOnlySpan<byte> data, string name)
    {
        var layout = ReadLayout(data, name);
        return new ImageHeader(layout.Height, layout.Width, layout.Channels, 1);
    }

    public static Image Decode(ReadOnlySpan<byte> data, string name, ColorType colorType)
    {
        var layout = ReadLayout(data, name);
        if ((long)layout.PixelOffset + (long)layout.Stride * layout.Height > data.Length)
            throw ImageErrors.Truncated(name, "BMP");
        var rows = data.Slice(layout.PixelOffset, layout.Stride * layout.Height);
        var image = layout.Bits <= 8 ? Indexed(data, rows, layout, name, colorType) : Direct(rows, layout, colorType);
        return layout.TopDown ? image : PixelLayout.Orient(image, 4);
    }

    private static Layout ReadLayout(ReadOnlySpan<byte> data, string name)
    {
        if (data.Length < 26)
            throw ImageErrors.Truncated(name, "BMP");
        var pixelOffset = Int32(data, 10);
        var headerSize = Int32(data, 14);
        if (headerSize is not (12 or 16 or 40 or 52 or 56 or 64 or 108 or 124))
            throw ImageErrors.Damaged(name, "BMP", $"a header of {headerSize} bytes");
        if (data.Length < 14 + headerSize)
            throw ImageErrors.Truncated(name, "BMP");

        var core = headerSize == 12;
        long width = core ? UInt16(data, 18) : Int32(data, 18);
        long height = core ? UInt16(data, 20) : Int32(data, 22);
        var bits = UInt16(data, core ? 24 : 28);
        var compression = headerSize >= 40 ? Int32(data, 30) : Uncompressed;
        if (width <= 0 || height is 0 or int.MinValue)
            throw ImageErrors.Damaged(name, "BMP", $"{width} x {height} pixels");
        if (compression is not (Uncompressed or BitFields or AlphaBitFields))
            throw ImageErrors.Unsupported(name, $"a BMP with compression {compression}", "Uncompressed ones are read; convert it to PNG.");
        if (bits is not (1 or 4 or 8 or 16 or 24 or 32))
            throw ImageErrors.Damaged(name, "BMP", $"{bits} bits per pixel");

        var masks = bits switch
        {
            16 => new uint[] { 0x7C00, 0x03E0, 0x001F, 0 },
            _ => [0xFF0000, 0xFF00, 0xFF, 0],
        };
        var tableOffset = 14 + headerSize;
        if (compression != Uncompressed && bits is 16 or 32 && headerSize >= 40)
        {
            var count = headerSize >= 56 || compression == AlphaBitFields ? 4 : 3;
            if (data.Length < 54 + 4 * count)
                throw ImageErrors.Truncated(name, "BMP");
            for (var i = 0; i < count; i++)
                masks[i] = (uint)Int32(data, 54 + 4 * i);
            if (headerSize == 40)
                tableOffset += 4 * count;
        }
        var colors = headerSize >= 40 ? Int32(data, 46) : 0;
        var paletteCount =
            bits > 8 ? 0
            : colors is > 0 and <= 256 ? colors
            : 1 << bits;
        var paletteStep = core ? 3 : 4;
        if (pixelOffset < tableOffset || pixelOffset > data.Length)
            throw ImageErrors.Damaged(name, "BMP", $"pixels said to begin at byte {pixelOffset}");
        paletteCount = Math.Min(paletteCount, (pixelOffset - tableOffset) / paletteStep);
        return new Layout((int)Math.Abs(height), (int)width, bits, height < 0, pixelOffset, tableOffset, paletteStep, paletteCount, masks);
    }

    private static Image Indexed(ReadOnlySpan<byte> data, ReadOnlySpan<byte> rows, Layout layout, string name, ColorType colorType)
    {
        var values = BitUnpacking.ToBytes(rows, layout.Height, layout.Width, layout.Bits, 1, layout.Stride);
        if (colorType == ColorType.Index)
            return new Image(layout.Height, layout.Width, 1, PixelType.UInt8, values);
        var image = new Image(layout.Height, layout.Width, 3);
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] >= layout.PaletteCount)
                throw ImageErrors.Damaged(name, "BMP", $"palette index {values[i]} of {layout.PaletteCount}");
            var entry = data.Slice(layout.PaletteOffset + values[i] * layout.PaletteStep, 3);
            var pixel = image.Bytes.AsSpan(i * 3, 3);
            (pixel[0], pixel[1], pixel[2]) = (entry[2], entry[1], entry[0]);
        }
        return image;
    }

    private static Image Direct(ReadOnlySpan<byte> rows, Layout layout, ColorType colorType)
    {
        var channels = colorType == ColorType.Unchanged ? layout.Channels : 3;
        var image = new Image(layout.Height, layout.Width, channels);
        var size = layout.Bits / 8;
        for (var y = 0; y < layout.Height; y++)
        {
            var row = rows.Slice(y * layout.Stride, layout.Width * size);
            var target = image.Bytes.AsSpan(y * layout.Width * channels, layout.Width * channels);
            for (var x = 0; x < layout.Width; x++)
            {
                uint value = 0;
                for (var b = 0; b < size; b++)
                    value |= (uint)row[x * size + b] << (8 * b);
                for (var c = 0; c < channels; c++)
                    target[x * channels + c] = Field(value, layout.Masks[c]);
            }
        }
        return image;
    }

    /// <summary>The bits under the mask, stretched to 0 .. 255.</summary>
    private static byte Field(uint value, uint mask)
    {
        if (mask == 0)
            return 0;
        var shift = BitOperations.TrailingZeroCount(mask);
        ulong largest = mask >> shift;
        return (byte)(((value & mask) >> shift) * 255UL / largest);
    }

    private static int Int32(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadInt32LittleEndian(data[at..]);

    private static int UInt16(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadUInt16LittleEndian(data[at..]);
}
