using System.Buffers.Binary;
using System.Text;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>Where the entries of a zip archive lie. None may overlap another; only stored ones can be read.</summary>
/// <remarks>PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.14 to 4.3.16.</remarks>
internal sealed class ZipDirectory
{
    private const int MaxEntries = 1_000_000;

    private readonly FileBytes _file;
    private readonly Dictionary<string, (long Offset, long Length)> _entries;
    private readonly HashSet<string> _compressed = new(StringComparer.Ordinal);

    public ZipDirectory(FileBytes file) => (_file, _entries) = (file, Read(file));

    public IEnumerable<string> Names => _entries.Keys.Concat(_compressed);

    public bool Contains(string name) => _entries.ContainsKey(name) || _compressed.Contains(name);

    /// <returns>Where the entry's bytes lie; null where there is none.</returns>
    public (long Offset, long Length)? Find(string name) =>
        _compressed.Contains(name) ? throw WeightsFileErrors.BadArchive(_file, $"{name} is compressed; PyTorch stores entries as they are")
        : _entries.TryGetValue(name, out var entry) ? entry
        : null;

    private Dictionary<string, (long Offset, long Length)> Read(FileBytes file)
    {
        var (start, length, count) = FindDirectory(file);
        if (count > MaxEntries || count * 46 > length)
            throw WeightsFileErrors.BadArchive(file, $"its directory claims {count} entries");
        var directory = file.Read(start, length, "the zip directory");
        var entries = new Dictionary<string, (long Offset, long Length)>(StringComparer.Ordinal);
        var extents = new List<(long Start, long End, string Name)>();
        var position = 0;
        for (var i = 0L; i < count; i++)
        {
            var entry = ReadEntry(file, directory, ref position);
            var offset = DataOffset(file, entry);
            if (entry.Size > start - offset)
                throw WeightsFileErrors.BadArchive(file, $"{entry.Name} reaches into its directory");
            if (entry.Compressed ? !_compressed.Add(entry.Name) : !entries.TryAdd(entry.Name, (offset, entry.Size)))
                throw WeightsFileErrors.BadArchive(file, $"it has two entries called {entry.Name}");
            extents.Add((entry.Header, offset + entry.Size, entry.Name));
        }
        extents.Sort();
        for (var i = 1; i < extents.Count; i++)
            if (extents[i].Start < extents[i - 1].End)
                throw WeightsFileErrors.BadArchive(file, $"{extents[i - 1].Name} and {extents[i].Name} overlap");
        return entries;
    }

    private static (long Start, long Length, long Count) FindDirectory(FileBytes file)
    {
        var tailLength = (int)Math.Min(file.Length, 22 + 65535);
        var tail = file.Read(file.Length - tailLength, tailLength, "the zip directory");
        for (var at = tailLength - 22; at >= 0; at--)
        {
            var end = tail.AsSpan(at);
            if (!end.StartsWith("PK\u0005\u0006"u8) || BinaryPrimitives.ReadUInt16LittleEndian(end[20..]) != end.Length - 22)
                continue;
            long count = BinaryPrimitives.ReadUInt16LittleEndian(end[10..]);
            long length = BinaryPrimitives.ReadUInt32LittleEndian(end[12..]);
            long start = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]);
            var endPosition = file.Length - tailLength + at;
            if (at >= 20 && tail.AsSpan(at - 20).StartsWith("PK\u0006\u0007"u8))
            {
                var place = BinaryPrimitives.ReadInt64LittleEndian(tail.AsSpan(at - 12));
                var wide = file.Read(place, 56, "the zip64 directory");
                if (!wide.AsSpan().StartsWith("PK\u0006\u0006"u8))
                    throw WeightsFileErrors.BadArchive(file, "its zip64 directory is missing");
                count = BinaryPrimitives.ReadInt64LittleEndian(wide.AsSpan(32));
                length = BinaryPrimitives.ReadInt64LittleEndian(wide.AsSpan(40));
                start = BinaryPrimitives.ReadInt64LittleEndian(wide.AsSpan(48));
            }
            if (start < 0 || length < 0 || count < 0 || start > endPosition - length)
                throw WeightsFileErrors.BadArchive(file, "its directory lies outside the file");
            return (start, length, count);
        }
        throw WeightsFileErrors.Truncated(file, "the zip archive: its directory, which comes last, is missing");
    }

    private static (string Name, long Header, long Size, bool Compressed) ReadEntry(FileBytes file, byte[] directory, ref int position)
    {
        if (directory.Length - position < 46)
            throw WeightsFileErrors.BadArchive(file, "its directory is cut short");
        var fixedPart = directory.AsSpan(position);
        if (!fixedPart.StartsWith("PK\u0001\u0002"u8))
            throw WeightsFileErrors.BadArchive(file, "its directory is damaged");
        var flags = BinaryPrimitives.ReadUInt16LittleEndian(fixedPart[8..]);
        var method = BinaryPrimitives.ReadUInt16LittleEndian(fixedPart[10..]);
        long packed = BinaryPrimitives.ReadUInt32LittleEndian(fixedPart[20..]);
        long size = BinaryPrimitives.ReadUInt32LittleEndian(fixedPart[24..]);
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(fixedPart[28..]);
        int extraLength = BinaryPrimitives.ReadUInt16LittleEndian(fixedPart[30..]);
        int commentLength = BinaryPrimitives.ReadUInt16LittleEndian(fixedPart[32..]);
        long header = BinaryPrimitives.ReadUInt32LittleEndian(fixedPart[42..]);
        if (fixedPart.Length - 46 < nameLength + extraLength + commentLength)
            throw WeightsFileErrors.BadArchive(file, "its directory is cut short");
        var name = Encoding.UTF8.GetString(fixedPart.Slice(46, nameLength));
        ReadWide(fixedPart.Slice(46 + nameLength, extraLength), ref size, ref packed, ref header);
        position += 46 + nameLength + extraLength + commentLength;

        if ((flags & 1) != 0)
            throw WeightsFileErrors.BadArchive(file, $"{name} is encrypted");
        if (method == 0 && packed != size)
            throw WeightsFileErrors.BadArchive(file, $"{name} is stored, yet its sizes differ ({packed} and {size} bytes)");
        if (packed < 0 || header < 0 || header > file.Length)
            throw WeightsFileErrors.BadArchive(file, $"{name} lies outside the file");
        return (name, header, packed, method != 0);
    }

    // The zip64 extra field holds, in this order, those values that are all ones in the fixed part.
    private static void ReadWide(ReadOnlySpan<byte> extra, ref long size, ref long packed, ref long header)
    {
        while (extra.Length >= 4)
        {
            var id = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            int length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - 4)
                return;
            var field = extra.Slice(4, length);
            extra = extra[(4 + length)..];
            if (id != 1)
                continue;
            Widen(ref size, ref field);
            Widen(ref packed, ref field);
            Widen(ref header, ref field);
        }

        static void Widen(ref long value, ref ReadOnlySpan<byte> field)
        {
            if (value != uint.MaxValue || field.Length < 8)
                return;
            value = BinaryPrimitives.ReadInt64LittleEndian(field);
            field = field[8..];
        }
    }

    private static long DataOffset(FileBytes file, (string Name, long Header, long Size, bool Compressed) entry)
    {
        Span<byte> local = stackalloc byte[30];
        file.Read(entry.Header, local, entry.Name);
        if (!local.StartsWith("PK\u0003\u0004"u8))
            throw WeightsFileErrors.BadArchive(file, $"{entry.Name} is not where the directory says");
        return entry.Header
            + 30
            + BinaryPrimitives.ReadUInt16LittleEndian(local[26..])
            + BinaryPrimitives.ReadUInt16LittleEndian(local[28..]);
    }
}
