using System.Buffers.Binary;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>The numbers of tags that are looked at.</summary>
internal static class TiffTags
{
    public const int Width = 256,
        Height = 257,
        BitsPerSample = 258,
        Compression = 259,
        Photometric = 262,
        StripOffsets = 273,
        Orientation = 274,
        SamplesPerPixel = 277,
        RowsPerStrip = 278,
        StripByteCounts = 279,
        PlanarConfiguration = 284,
        ColorMap = 320,
        TileWidth = 322,
        TileHeight = 323,
        TileOffsets = 324,
        TileByteCounts = 325,
        ExtraSamples = 338,
        SampleFormat = 339;
}

/// <summary>The first directory of a TIFF file: integers by tag. All of it lies inside the file.</summary>
internal sealed class TiffDirectory
{
    private const int MostEntries = 1000;

    // Bytes of a value, by type: BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE, IFD.
    private static ReadOnlySpan<byte> Sizes => [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

    private readonly Dictionary<int, IReadOnlyList<long>> _values = [];

    public bool Has(int tag) => _values.ContainsKey(tag);

    /// <summary>The first value, or the default where the tag isn't there.</summary>
    public long One(int tag, long missing) => _values.TryGetValue(tag, out var values) && values.Count > 0 ? values[0] : missing;

    public IReadOnlyList<long> All(int tag) => _values.GetValueOrDefault(tag, []);

    public static TiffDirectory Read(ReadOnlySpan<byte> data, string name)
    {
        if (data.Length < 8)
            throw ImageErrors.Truncated(name, "TIFF");
        var little = data[0] == 'I';
        var begin = UInt32(data[4..], little);
        if (begin < 8 || begin > data.Length - 2)
            throw ImageErrors.Truncated(name, "TIFF", "its directory lies beyond the end");
        var count = UInt16(data[(int)begin..], little);
        if (count is 0 or > MostEntries)
            throw ImageErrors.Damaged(name, "TIFF", $"a directory of {count} entries");
        var entries = data[((int)begin + 2)..];
        if (entries.Length < count * 12)
            throw ImageErrors.Truncated(name, "TIFF");
        var directory = new TiffDirectory();
        var total = 0L;
        for (var i = 0; i < count; i++)
        {
            var entry = entries.Slice(i * 12, 12);
            var content = Content(data, entry, little, name, out var type);
            if ((total += content.Length) > data.Length)
                throw ImageErrors.Damaged(name, "TIFF", "entries that overlap");
            if (type is 1 or 3 or 4)
                directory._values.TryAdd(UInt16(entry, little), Integers(content, type, little));
        }
        return directory;
    }

    private static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> data, ReadOnlySpan<byte> entry, bool little, string name, out int type)
    {
        type = UInt16(entry[2..], little);
        if (type == 0 || type >= Sizes.Length)
            throw ImageErrors.Damaged(name, "TIFF", $"an entry of type {type}");
        var length = UInt32(entry[4..], little) * Sizes[type];
        if (length <= 4)
            return entry.Slice(8, (int)length);
        var offset = UInt32(entry[8..], little);
        return offset + length <= data.Length ? data.Slice((int)offset, (int)length) : throw ImageErrors.Truncated(name, "TIFF");
    }

    private static long[] Integers(ReadOnlySpan<byte> content, int type, bool little)
    {
        var values = new long[content.Length / Sizes[type]];
        for (var i = 0; i < values.Length; i++)
            values[i] =
                type == 1 ? content[i]
                : type == 3 ? UInt16(content[(i * 2)..], little)
                : UInt32(content[(i * 4)..], little);
        return values;
    }

    private static int UInt16(ReadOnlySpan<byte> data, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(data) : BinaryPrimitives.ReadUInt16BigEndian(data);

    private static long UInt32(ReadOnlySpan<byte> data, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(data) : BinaryPrimitives.ReadUInt32BigEndian(data);
}
