using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Tessera.Tests.Datasets.Images.Png;

/// <summary>One chunk of a PNG file.</summary>
internal sealed record PngPart(string Type, byte[] Content);

/// <summary>Takes PNG files apart and puts them together, sound or not: written from the specification, apart from the reader.</summary>
internal static class PngParts
{
    private static readonly byte[] Signature = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    private static readonly uint[] CrcTable =
    [
        .. Enumerable
            .Range(0, 256)
            .Select(n => Enumerable.Range(0, 8).Aggregate((uint)n, (c, _) => (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1)),
    ];

    public static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
            crc = CrcTable[(crc ^ value) & 0xFF] ^ (crc >> 8);
        return ~crc;
    }

    /// <summary>The chunks of a sound file; their checksums are asserted.</summary>
    public static List<PngPart> Split(ReadOnlySpan<byte> file)
    {
        Assert.Equal(Signature, file[..8].ToArray());
        var parts = new List<PngPart>();
        for (var at = 8; at < file.Length; )
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file[at..]);
            Assert.Equal(Crc(file.Slice(at + 4, length + 4)), BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + length)..]));
            parts.Add(new PngPart(Encoding.ASCII.GetString(file.Slice(at + 4, 4)), file.Slice(at + 8, length).ToArray()));
            at += 12 + length;
        }
        return parts;
    }

    public static byte[] Join(IEnumerable<PngPart> parts) => [.. Signature, .. parts.SelectMany(Bytes)];

    public static byte[] Bytes(PngPart part)
    {
        byte[] typed = [.. Encoding.ASCII.GetBytes(part.Type), .. part.Content];
        return [.. BigEndian((uint)part.Content.Length), .. typed, .. BigEndian(Crc(typed))];
    }

    public static PngPart Header(int height, int width, byte depth, byte color, byte interlaced = 0) =>
        new("IHDR", [.. BigEndian((uint)width), .. BigEndian((uint)height), depth, color, 0, 0, interlaced]);

    public static PngPart Data(byte[] rows) => new("IDAT", Deflate(rows));

    public static PngPart End { get; } = new("IEND", []);

    /// <summary>All rows of the file, filter bytes included.</summary>
    public static byte[] Rows(IEnumerable<PngPart> parts)
    {
        byte[] data = [.. parts.Where(part => part.Type == "IDAT").SelectMany(part => part.Content)];
        using var zlib = new ZLibStream(new MemoryStream(data), CompressionMode.Decompress);
        using var rows = new MemoryStream();
        zlib.CopyTo(rows);
        return rows.ToArray();
    }

    public static byte[] Deflate(byte[] data)
    {
        using var memory = new MemoryStream();
        using (var zlib = new ZLibStream(memory, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(data);
        return memory.ToArray();
    }

    /// <summary>Rows of values stored by the given filters.</summary>
    public static byte[] Filter(byte[] values, int stride, int distance, Func<int, int> filterOfRow) =>
        Rows(values, stride, distance, filterOfRow, sign: -1);

    /// <summary>The values of rows that were stored by the filters that they name.</summary>
    public static byte[] Unfilter(byte[] rows, int stride, int distance)
    {
        var stored = new byte[rows.Length / (stride + 1) * stride];
        for (var i = 0; i < stored.Length; i++)
            stored[i] = rows[i / stride * (stride + 1) + 1 + i % stride];
        var values = Rows(stored, stride, distance, y => rows[y * (stride + 1)], sign: 1);
        for (var i = 0; i < stored.Length; i++)
            stored[i] = values[i / stride * (stride + 1) + 1 + i % stride];
        return stored;
    }

    private static byte[] Rows(byte[] bytes, int stride, int distance, Func<int, int> filterOfRow, int sign)
    {
        var rows = new byte[bytes.Length / stride * (stride + 1)];
        for (var y = 0; y < bytes.Length / stride; y++)
        {
            var filter = filterOfRow(y);
            rows[y * (stride + 1)] = (byte)filter;
            for (var x = 0; x < stride; x++)
            {
                var (left, above, corner) = (Value(y, x - distance), Value(y - 1, x), Value(y - 1, x - distance));
                var expected = filter switch
                {
                    1 => left,
                    2 => above,
                    3 => (left + above) / 2,
                    4 => Nearest(left, above, corner),
                    _ => 0,
                };
                rows[y * (stride + 1) + 1 + x] = (byte)(bytes[y * stride + x] + sign * expected);
            }
        }
        return rows;

        // What stands there in the picture: given where differences are made, made already where they are undone.
        int Value(int y, int x) =>
            y < 0 || x < 0 ? 0
            : sign < 0 ? bytes[y * stride + x]
            : rows[y * (stride + 1) + 1 + x];
    }

    private static int Nearest(int left, int above, int corner)
    {
        var guess = left + above - corner;
        var (byLeft, byAbove, byCorner) = (Math.Abs(guess - left), Math.Abs(guess - above), Math.Abs(guess - corner));
        return byLeft <= byAbove && byLeft <= byCorner ? left
            : byAbove <= byCorner ? above
            : corner;
    }

    private static byte[] BigEndian(uint value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];
}
