using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>Writes a PNG file: header, palette if there is one, all pixels in one IDAT chunk, not interlaced.</summary>
internal static class PngWriter
{
    private const int BlockSize = 64 << 10; // many rows a write: each write calls into zlib

    public static byte[] Encode(Image image, ReadOnlySpan<byte> palette)
    {
        using var file = new MemoryStream(256 + image.Bytes.Length / 4);
        file.Write(PngChunks.Signature);
        WriteChunk(file, PngChunks.Ihdr, Header(image, !palette.IsEmpty));
        if (!palette.IsEmpty)
            WriteChunk(file, PngChunks.Plte, palette);
        var begin = BeginChunk(file, PngChunks.Idat);
        using (var zlib = new ZLibStream(file, CompressionLevel.Optimal, leaveOpen: true))
            WriteRows(zlib, image, filtered: palette.IsEmpty);
        EndChunk(file, begin);
        WriteChunk(file, PngChunks.Iend, []);
        return file.ToArray();
    }

    private static byte[] Header(Image image, bool indexed)
    {
        var color = indexed
            ? PngColor.Indexed
            : image.Channels switch
            {
                1 => PngColor.Gray,
                2 => PngColor.GrayAlpha,
                3 => PngColor.Rgb,
                _ => PngColor.Rgba,
            };
        var header = new byte[PngHeader.Size]; // compression, filter and interlacing: 0
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), image.Height);
        header[8] = (byte)(image.Type == PixelType.UInt16 ? 16 : 8);
        header[9] = (byte)color;
        return header;
    }

    /// <param name="filtered">A filter for each row; differences of palette indices mean nothing and compress worse.</param>
    private static void WriteRows(ZLibStream zlib, Image image, bool filtered)
    {
        var stride = image.Width * image.PixelSize();
        var swapped = image.Type == PixelType.UInt16 && BitConverter.IsLittleEndian;
        var chooser = filtered ? new PngFilterChooser(stride, image.PixelSize()) : null;
        var (row, prior) = (new byte[stride], new byte[stride]);
        var capacity = Math.Clamp(BlockSize / (stride + 1), 1, image.Height) * (stride + 1);
        var block = ArrayPool<byte>.Shared.Rent(capacity);
        try
        {
            var filled = 0;
            for (var y = 0; y < image.Height; y++, (row, prior) = (prior, row))
            {
                image.Bytes.AsSpan(y * stride, stride).CopyTo(row);
                if (swapped)
                {
                    var words = MemoryMarshal.Cast<byte, ushort>(row.AsSpan());
                    BinaryPrimitives.ReverseEndianness(words, words);
                }
                var target = block.AsSpan(filled, stride + 1);
                target[0] = PngFilter.None;
                if (chooser is null)
                    row.CopyTo(target[1..]);
                else
                    chooser.Filter(row, prior, target);
                filled += stride + 1;
                if (filled < capacity && y < image.Height - 1)
                    continue;
                zlib.Write(block, 0, filled);
                filled = 0;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private static void WriteChunk(MemoryStream file, uint type, ReadOnlySpan<byte> content)
    {
        var begin = BeginChunk(file, type);
        file.Write(content);
        EndChunk(file, begin);
    }

    private static int BeginChunk(MemoryStream file, uint type)
    {
        Span<byte> head = stackalloc byte[8]; // the length follows
        head.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(head[4..], type);
        file.Write(head);
        return (int)file.Position - head.Length;
    }

    private static void EndChunk(MemoryStream file, int begin)
    {
        var chunk = file.GetBuffer().AsSpan(begin, (int)file.Length - begin);
        BinaryPrimitives.WriteInt32BigEndian(chunk, chunk.Length - 8);
        Span<byte> crc = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(crc, Crc32.HashToUInt32(chunk[4..]));
        file.Write(crc);
    }
}
