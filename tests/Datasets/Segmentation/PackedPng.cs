using System.Buffers.Binary;
using System.IO.Compression;

namespace Tessera.Tests.Datasets.Segmentation;

/// <summary>Gray PNGs of one row with 1, 2 or 4 bits a pixel, put together by hand.</summary>
internal static class PackedPng
{
    public static byte[] Of(int bits, params byte[] values)
    {
        var row = new byte[1 + (values.Length * bits + 7) / 8]; // its filter, none, comes first
        for (var x = 0; x < values.Length; x++)
            row[1 + x * bits / 8] |= (byte)(values[x] << (8 - bits - x * bits % 8));
        var packed = new MemoryStream();
        using (var deflate = new ZLibStream(packed, CompressionLevel.Fastest))
            deflate.Write(row);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, values.Length);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), 1);
        header[8] = (byte)bits;
        return
        [
            0x89,
            (byte)'P',
            (byte)'N',
            (byte)'G',
            13,
            10,
            26,
            10,
            .. Chunk("IHDR"u8, header),
            .. Chunk("IDAT"u8, packed.ToArray()),
            .. Chunk("IEND"u8, []),
        ];
    }

    private static byte[] Chunk(ReadOnlySpan<byte> name, byte[] data)
    {
        var chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        name.CopyTo(chunk.AsSpan(4));
        data.CopyTo(chunk, 8);
        var crc = uint.MaxValue;
        foreach (var value in chunk.AsSpan(4, 4 + data.Length))
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
        }
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), ~crc);
        return chunk;
    }
}
