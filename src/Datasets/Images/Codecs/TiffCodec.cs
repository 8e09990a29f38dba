using System.Runtime.InteropServices;
using BitMiracle.LibTiff.Classic;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>TIFF by LibTiff.NET: the first picture of a file, of 1 to 16 bits, gray, RGB or with a palette, in strips or tiles.</summary>
internal static class TiffCodec
{
    public static ImageHeader ReadHeader(ReadOnlySpan<byte> data, string name)
    {
        var header = TiffHeader.Read(data, name);
        return new ImageHeader(header.Height, header.Width, header.Channels, header.Orientation);
    }

    public static Image Decode(ReadOnlyMemory<byte> data, string name, ColorType colorType)
    {
        var header = TiffHeader.Read(data.Span, name);
        if (header.RowBytes * header.ChunkHeight > Array.MaxLength)
            throw ImageErrors.TooLargeForMemory(name, header.Width, header.Height, Array.MaxLength / 10);
        var image = header.Bits < 8 ? Packed(data, header, name, colorType) : Whole(data, header, name);
        if (colorType == ColorType.Index && header.Colors != TiffColors.Rgb)
            return image.Channels == 1 ? image : FirstChannel(image);
        if (header.Colors == TiffColors.Palette)
            return LookUp(image, header.Palette);
        if (header.Premultiplied)
            DivideByAlpha(image);
        if (header.Colors == TiffColors.WhiteIsZero)
            Invert(image);
        return image;
    }

    /// <summary>Pixels of whole bytes.</summary>
    private static Image Whole(ReadOnlyMemory<byte> data, TiffHeader header, string name)
    {
        var image = PixelLayout.Create(
            header.Height,
            header.Width,
            header.Channels,
            header.Bits == 16 ? PixelType.UInt16 : PixelType.UInt8
        );
        var value = header.Bits / 8;
        var (from, to) = ((header.Separate ? 1 : header.Samples) * value, header.Channels * value); // bytes of a pixel
        foreach (var chunk in Chunks(data, header, name))
        {
            if (chunk.Plane >= header.Channels)
                break;
            for (var y = 0; y < chunk.Height; y++)
            {
                var row = chunk.Bytes.AsSpan(y * header.ChunkWidth * from, chunk.Width * from);
                var target = image.Bytes.AsSpan(((chunk.Top + y) * header.Width + chunk.Left) * to, chunk.Width * to);
                if (from == to)
                    row.CopyTo(target);
                else
                    CopyPixels(row, from, target[(chunk.Plane * value)..], to, Math.Min(from, to));
            }
        }
        return image;
    }

    private static void CopyPixels(ReadOnlySpan<byte> source, int from, Span<byte> target, int to, int size)
    {
        for (var (s, t) = (0, 0); s < source.Length; s += from, t += to)
            source.Slice(s, size).CopyTo(target[t..]);
    }

    /// <summary>Gray or palette indices of 1, 2 or 4 bits.</summary>
    private static Image Packed(ReadOnlyMemory<byte> data, TiffHeader header, string name, ColorType colorType)
    {
        var image = PixelLayout.Create(header.Height, header.Width, 1, PixelType.UInt8);
        var scale = header.Colors == TiffColors.Palette || colorType == ColorType.Index ? 1 : 255 / ((1 << header.Bits) - 1);
        var stride = (int)header.RowBytes;
        foreach (var chunk in Chunks(data, header, name))
        {
            var values = BitUnpacking.ToBytes(chunk.Bytes, chunk.Height, chunk.Width, header.Bits, scale, stride);
            for (var y = 0; y < chunk.Height; y++)
                values.AsSpan(y * chunk.Width, chunk.Width).CopyTo(image.Bytes.AsSpan((chunk.Top + y) * header.Width + chunk.Left));
        }
        return image;
    }

    /// <param name="Plane">The sample that it holds, where each has its own chunks; otherwise 0.</param>
    /// <param name="Height">Rows inside the picture.</param>
    /// <param name="Width">Columns inside the picture.</param>
    /// <param name="Bytes">Decoded rows. The next chunk overwrites them.</param>
    private readonly record struct Chunk(int Plane, int Top, int Left, int Height, int Width, byte[] Bytes);

    private static IEnumerable<Chunk> Chunks(ReadOnlyMemory<byte> data, TiffHeader header, string name)
    {
        using var tiff = Guarded(() => TiffLibrary.Open(data, name), name) ?? throw Damaged(name);
        var bytes = new byte[header.RowBytes * header.ChunkHeight];
        if ((header.Tiled ? Guarded(tiff.TileSize, name) : Guarded(tiff.StripSize, name)) != bytes.Length)
            throw ImageErrors.Damaged(name, "TIFF", "entries that contradict each other");
        var (down, across) = ((header.Height - 1) / header.ChunkHeight + 1, (header.Width - 1) / header.ChunkWidth + 1);
        for (var number = 0; number < (header.Separate ? header.Samples : 1) * down * across; number++)
        {
            var (top, left) = (number / across % down * header.ChunkHeight, number % across * header.ChunkWidth);
            var (height, width) = (Math.Min(header.ChunkHeight, header.Height - top), Math.Min(header.ChunkWidth, header.Width - left));
            ReadChunk(tiff, number, bytes, header.Tiled ? bytes.Length : height * (int)header.RowBytes, header.Tiled, name);
            yield return new Chunk(number / across / down, top, left, height, width, bytes);
        }
    }

    private static void ReadChunk(Tiff tiff, int number, byte[] bytes, int length, bool tiled, string name)
    {
        var read = Guarded(
            () => tiled ? tiff.ReadEncodedTile(number, bytes, 0, length) : tiff.ReadEncodedStrip(number, bytes, 0, length),
            name
        );
        if (read != length || TiffLibrary.LastError is not null)
            throw Damaged(name);
    }

    /// <summary>The library checks less than the original in C does: on damaged data an index may leave its array.</summary>
    private static T Guarded<T>(Func<T> read, string name)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw ImageErrors.Damaged(name, "TIFF", $"its data can't be decoded: {e.GetType().Name}");
        }
    }

    private static UserErrorException Damaged(string name) =>
        ImageErrors.Damaged(name, "TIFF", TiffLibrary.LastError ?? "its data can't be decoded");

    private static Image LookUp(Image indices, IReadOnlyList<long> palette)
    {
        var colors = palette.Count / 3;
        Span<byte> table = stackalloc byte[3 * 256];
        for (var i = 0; i < colors; i++)
        {
            for (var c = 0; c < 3; c++)
                table[i * 3 + c] = (byte)(palette[c * colors + i] >> 8);
        }
        var image = PixelLayout.Create(indices.Height, indices.Width, 3, PixelType.UInt8);
        for (var i = 0; i < indices.Bytes.Length; i++)
            table.Slice(indices.Bytes[i] * 3, 3).CopyTo(image.Bytes.AsSpan(i * 3));
        return image;
    }

    private static Image FirstChannel(Image image)
    {
        var result = PixelLayout.Create(image.Height, image.Width, 1, image.Type);
        var value = PixelLayout.ValueSize(image.Type);
        CopyPixels(image.Bytes, image.PixelSize(), result.Bytes, value, value);
        return result;
    }

    /// <summary>Black becomes white. Transparency stays.</summary>
    private static void Invert(Image image)
    {
        var step = image.Channels;
        if (image.Type == PixelType.UInt8)
        {
            for (var i = 0; i < image.Bytes.Length; i += step)
                image.Bytes[i] = (byte)~image.Bytes[i];
            return;
        }
        var words = MemoryMarshal.Cast<byte, ushort>(image.Bytes.AsSpan());
        for (var i = 0; i < words.Length; i += step)
            words[i] = (ushort)~words[i];
    }

    private static void DivideByAlpha(Image image)
    {
        var (step, bytes) = (image.Channels, image.Bytes);
        var words = image.Type == PixelType.UInt16 ? MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()) : default;
        for (var i = 0; i < (words.IsEmpty ? bytes.Length : words.Length); i += step)
        {
            for (var c = i; c < i + step - 1; c++)
            {
                if (words.IsEmpty)
                    bytes[c] = bytes[i + step - 1] == 0 ? bytes[c] : (byte)Math.Min(255, 255 * bytes[c] / bytes[i + step - 1]);
                else
                    words[c] = words[i + step - 1] == 0 ? words[c] : (ushort)Math.Min(65535, 65535L * words[c] / words[i + step - 1]);
            }
        }
    }
}
