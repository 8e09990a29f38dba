using System.Buffers.Binary;
using System.IO.Compression;
using Microsoft.Win32.SafeHandles;

namespace Tessera.Datasets.Storage;

/// <summary>
/// Files in a zip archive, stored or deflated, zip64 or not. The directory is read once; every read then goes straight to its
/// place, so that threads don't wait for each other.
/// </summary>
/// <remarks>PKWARE, ".ZIP File Format Specification", 6.3.10. Archives are not trusted: every offset and size is checked against the
/// file.</remarks>
internal sealed class ZipStore : FileStore
{
    private const uint EndSignature = 0x06054b50,
        End64Signature = 0x06064b50,
        Locator64Signature = 0x07064b50;
    private const uint EntrySignature = 0x02014b50,
        LocalSignature = 0x04034b50;
    private const int EndSize = 22,
        End64Size = 56,
        Locator64Size = 20,
        EntrySize = 46,
        LocalSize = 30;
    private const int MaxDirectoryBytes = 1 << 30;
    private const int MaxDeflateRatio = 1032;

    private readonly SafeFileHandle _file;
    private readonly long _length;
    private readonly FileStamp _stamp;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly List<string> _folders = [];
    private readonly string[] _names;

    public ZipStore(string path)
        : base(path)
    {
        try
        {
            _file = File.OpenHandle(path, options: FileOptions.RandomAccess);
            _length = RandomAccess.GetLength(_file);
            _stamp = new(_length, File.GetLastWriteTimeUtc(_file).Ticks);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} can't be read: {e.Message}", e);
        }
        var (offset, size) = FindDirectory();
        ReadDirectory(ReadAt(offset, (int)size, "its directory"));
        _names = [.. _entries.Keys.Where(name => !IsHidden(name))];
        Upwards = [.. _entries.Keys.Where(name => IsHidden(name) && name.Split('/').Contains("..")).Order(StringComparer.Ordinal)];
        Array.Sort(_names, StringComparer.Ordinal);
    }

    public override IReadOnlyList<string> Names => _names;

    internal override IReadOnlyList<string> Upwards { get; }

    internal override IEnumerable<string> FoldersIn(string prefix) =>
        _folders
            .Where(name => name.Length > prefix.Length && name.StartsWith(prefix, StringComparison.Ordinal) && !IsHidden(name))
            .Select(name => name[prefix.Length..name.IndexOf('/', prefix.Length)])
            .Distinct();

    public override string Describe(string name) => $"{Location}:{name}";

    public override bool Contains(string name) => _entries.ContainsKey(name);

    public override FileStamp StampOf(string name) => _stamp;

    public override long LengthOf(string name) => _entries.TryGetValue(name, out var entry) ? entry.Size : 0;

    public override ReadOnlyMemory<byte> Read(string name)
    {
        if (!_entries.TryGetValue(name, out var entry))
            throw NoSuchFile(name);
        if (entry.Size == 0)
            throw Empty(name);
        if (entry.Size > MaxFileBytes || entry.PackedSize > MaxFileBytes)
            throw TooLarge(name, Math.Max(entry.Size, entry.PackedSize));
        if (entry.Encrypted)
            throw new UserErrorException($"{Describe(name)} is encrypted.");
        var header = ReadAt(entry.Offset, LocalSize, $"the header of {name}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LocalSignature)
            throw Damaged($"{name} is not where the directory says");
        var start = entry.Offset + LocalSize + Short(header, 26) + Short(header, 28);
        var packed = ReadAt(start, (int)entry.PackedSize, name);
        return entry.Method switch
        {
            0 when entry.Size == entry.PackedSize => packed,
            0 => throw Damaged($"{name} is stored, but its two sizes differ"),
            8 => Inflate(name, packed, entry.Size),
            _ => throw new UserErrorException(
                $"{Describe(name)} is compressed by method {entry.Method}; only stored and deflated files can be read."
            ),
        };
    }

    private byte[] Inflate(string name, byte[] packed, long size)
    {
        if (size > (long)packed.Length * MaxDeflateRatio + 64)
            throw Damaged($"{name} can't unpack to {size:N0} bytes");
        var bytes = GC.AllocateUninitializedArray<byte>((int)size);
        try
        {
            using var inflater = new DeflateStream(new MemoryStream(packed), CompressionMode.Decompress);
            inflater.ReadExactly(bytes);
            if (inflater.ReadByte() >= 0)
                throw Damaged($"{name} is longer than the directory says");
            return bytes;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw Damaged($"{name} can't be unpacked");
        }
    }

    /// <summary>Place and size of the central directory, from the record at the archive's end.</summary>
    private (long Offset, long Size) FindDirectory()
    {
        if (_length < EndSize)
            throw new UserErrorException($"{Location} is not a zip archive: it has {_length} bytes.");
        var tail = ReadAt(
            _length - Math.Min(_length, EndSize + ushort.MaxValue),
            (int)Math.Min(_length, EndSize + ushort.MaxValue),
            "its end"
        );
        var at = tail.Length - EndSize;
        while (at >= 0 && BinaryPrimitives.ReadUInt32LittleEndian(tail.AsSpan(at)) != EndSignature)
            at--;
        if (at < 0)
            throw new UserErrorException($"{Location} is not a zip archive, or it is cut off: the record that ends an archive is missing.");
        var end = tail.AsSpan(at);
        long size = Int(end, 12),
            offset = Int(end, 16);
        var position = _length - tail.Length + at;
        if (at >= Locator64Size && BinaryPrimitives.ReadUInt32LittleEndian(tail.AsSpan(at - Locator64Size)) == Locator64Signature)
        {
            position = Long(tail.AsSpan(at - Locator64Size), 8);
            var end64 = ReadAt(position, End64Size, "its 64-bit end record");
            if (BinaryPrimitives.ReadUInt32LittleEndian(end64) != End64Signature)
                throw Damaged("its 64-bit end record is missing");
            (size, offset) = (Long(end64, 40), Long(end64, 48));
        }
        if (size < 0 || offset < 0 || size > MaxDirectoryBytes || offset > position - size)
            throw Damaged("its directory lies outside the file");
        return (offset, size);
    }

    private void ReadDirectory(byte[] directory)
    {
        var rest = directory.AsSpan();
        while (rest.Length >= EntrySize && BinaryPrimitives.ReadUInt32LittleEndian(rest) == EntrySignature)
        {
            var (nameLength, extraLength, commentLength) = (Short(rest, 28), Short(rest, 30), Short(rest, 32));
            var total = EntrySize + nameLength + extraLength + commentLength;
            if (total > rest.Length)
                throw Damaged("an entry of its directory is cut off");
            var name = EntryName.Of(rest.Slice(EntrySize, nameLength));
            var entry = new Entry(Short(rest, 10), (Short(rest, 8) & 1) != 0, Int(rest, 20), Int(rest, 24), Int(rest, 42));
            entry = Widen(entry, rest.Slice(EntrySize + nameLength, extraLength), name);
            if (
                entry.Offset < 0
                || entry.Size < 0
                || entry.PackedSize < 0
                || entry.PackedSize > _length
                || entry.Offset > _length - LocalSize - entry.PackedSize
            )
                throw Damaged($"{name} lies outside the file");
            if (name.EndsWith('/'))
                _folders.Add(name);
            else
                _entries[name] = entry;
            rest = rest[total..];
        }
        if (rest.Length > 0)
            throw Damaged("its directory holds something else than entries");
    }

    /// <summary>Takes the sizes that don't fit into 32 bits from the zip64 field.</summary>
    private Entry Widen(Entry entry, ReadOnlySpan<byte> extra, string name)
    {
        while (extra.Length >= 4)
        {
            int kind = Short(extra, 0),
                length = Short(extra, 2);
            if (length > extra.Length - 4)
                break;
            if (kind == 1)
            {
                var field = extra.Slice(4, length);
                return entry with
                {
                    Size = Next(ref field, entry.Size),
                    PackedSize = Next(ref field, entry.PackedSize),
                    Offset = Next(ref field, entry.Offset),
                };
            }
            extra = extra[(4 + length)..];
        }
        return entry;

        long Next(ref ReadOnlySpan<byte> field, long narrow)
        {
            if (narrow != uint.MaxValue)
                return narrow;
            if (field.Length < 8)
                throw Damaged($"the sizes of {name} are missing");
            var wide = Long(field, 0);
            field = field[8..];
            return wide;
        }
    }

    private byte[] ReadAt(long offset, int count, string what)
    {
        if (offset < 0 || count < 0 || offset > _length - count)
            throw Damaged($"{what} lies outside the file");
        var bytes = GC.AllocateUninitializedArray<byte>(count);
        try
        {
            for (var done = 0; done < count; )
            {
                var read = RandomAccess.Read(_file, bytes.AsSpan(done), offset + done);
                if (read == 0)
                    throw Damaged($"{what} is cut off");
                done += read;
            }
        }
        catch (IOException e)
        {
            throw new UserErrorException($"{Location} can't be read: {e.Message}", e);
        }
        return bytes;
    }

    private UserErrorException Damaged(string how) => new($"{Location} is damaged: {how}.");

    private static int Short(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static long Int(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long Long(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private readonly record struct Entry(int Method, bool Encrypted, long PackedSize, long Size, long Offset);
}
