using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>Makes the picture of stored values: gray stretched, palettes looked up, a transparent colour turned into an alpha
/// channel.</summary>
internal static class PngColors
{
    /// <param name="values">As <see cref="PngPixels.Decode"/> gives them; they may become the picture's own.</param>
    /// <exception cref="Framework.Errors.UserErrorException">An index has no colour.</exception>
    public static Image ToImage(byte[] values, PngFile file, string name, ColorType colorType)
    {
        var header = file.Header;
        var transparency = colorType == ColorType.Unchanged ? file.Transparency : [];
        if (header.Color == PngColor.Indexed && colorType != ColorType.Index)
            return LookUp(values, file, transparency, name);
        var type = header.BitDepth == 16 ? PixelType.UInt16 : PixelType.UInt8;
        var scale =
            header.Color == PngColor.Gray && header.BitDepth < 8 && colorType != ColorType.Index ? 255 / ((1 << header.BitDepth) - 1) : 1;
        if (scale > 1)
        {
            foreach (ref var value in values.AsSpan())
                value = (byte)(value * scale);
        }
        var image = new Image(header.Height, header.Width, header.Channels, type, values);
        return transparency.IsEmpty ? image : WithAlpha(image, Key(transparency, header.BitDepth, scale));
    }

    private static Image LookUp(byte[] indices, PngFile file, ReadOnlySpan<byte> alpha, string name)
    {
        Span<uint> table = stackalloc uint[256];
        table.Clear();
        var entries = MemoryMarshal.AsBytes(table);
        var count = file.Palette.Length / 3;
        for (var i = 0; i < count; i++)
        {
            file.Palette.Slice(i * 3, 3).CopyTo(entries[(i * 4)..]);
            entries[i * 4 + 3] = i < alpha.Length ? alpha[i] : (byte)255;
        }
        var channels = alpha.IsEmpty ? 3 : 4;
        var image = PixelLayout.Create(file.Header.Height, file.Header.Width, channels, PixelType.UInt8);
        var largest = channels == 4 ? LookUp4(indices, table, image.Bytes) : LookUp3(indices, table, image.Bytes);
        if (largest >= count)
            throw ImageErrors.Damaged(name, "PNG", $"palette index {largest} of {count}");
        PixelBuffers.Return(indices);
        return image;
    }

    /// <returns>The largest index.</returns>
    private static int LookUp4(ReadOnlySpan<byte> indices, ReadOnlySpan<uint> table, Span<byte> target)
    {
        var pixels = MemoryMarshal.Cast<byte, uint>(target);
        var largest = 0;
        for (var i = 0; i < indices.Length; i++)
        {
            largest = Math.Max(largest, indices[i]);
            pixels[i] = table[indices[i]];
        }
        return largest;
    }

    private static int LookUp3(ReadOnlySpan<byte> indices, ReadOnlySpan<uint> table, Span<byte> target)
    {
        var largest = 0;
        var last = indices.Length - 1;
        for (var i = 0; i < last; i++, target = target[3..])
        {
            largest = Math.Max(largest, indices[i]);
            MemoryMarshal.Write(target, in table[indices[i]]); // the next pixel overwrites the fourth byte
        }
        MemoryMarshal.AsBytes(table.Slice(indices[last], 1))[..3].CopyTo(target);
        return Math.Max(largest, indices[last]);
    }

    /// <summary>The transparent gray value or colour, as the picture has it.</summary>
    private static ushort[] Key(ReadOnlySpan<byte> transparency, int depth, int scale)
    {
        var key = new ushort[transparency.Length / 2];
        for (var c = 0; c < key.Length; c++) // of the 16 bits, those that the depth doesn't have count for nothing
            key[c] = (ushort)((BinaryPrimitives.ReadUInt16BigEndian(transparency[(c * 2)..]) & ((1 << depth) - 1)) * scale);
        return key;
    }

    private static Image WithAlpha(Image image, ushort[] key)
    {
        var result = PixelLayout.Create(image.Height, image.Width, image.Channels + 1, image.Type);
        if (image.Type == PixelType.UInt16)
            WithAlpha<ushort>(image.Pixels<ushort>(), key, result.Pixels<ushort>(), ushort.MaxValue);
        else
            WithAlpha<byte>(image.Bytes, [.. key.Select(value => (byte)value)], result.Bytes, byte.MaxValue);
        PixelBuffers.Return(image.Bytes);
        return result;
    }

    private static void WithAlpha<T>(ReadOnlySpan<T> source, ReadOnlySpan<T> key, Span<T> target, T opaque)
        where T : unmanaged, IEquatable<T>
    {
        for (; !source.IsEmpty; source = source[key.Length..], target = target[(key.Length + 1)..])
        {
            var pixel = source[..key.Length];
            pixel.CopyTo(target);
            target[key.Length] = pixel.SequenceEqual(key) ? default : opaque;
        }
    }
}
