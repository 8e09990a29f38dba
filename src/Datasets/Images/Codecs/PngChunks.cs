using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>A PNG's chunks one after the other. Lengths are checked against the file's; contents are views into it.</summary>
/// <remarks>A chunk is a length, a type of four letters, the content and the CRC-32 of type and content (PNG, third edition, section
/// 5.3).</remarks>
internal ref struct PngChunks(ReadOnlySpan<byte> data, string name)
{
    public const uint Ihdr = 0x49484452,
        Plte = 0x504C5445,
        Idat = 0x49444154,
        Iend = 0x49454E44,
        Trns = 0x74524E53,
        Exif = 0x65584966;

    /// <summary>The bytes of a chunk beside its content.</summary>
    public const int Frame = 12;

    private const uint FirstLetterIsSmall = 0x2000_0000;

    private readonly ReadOnlySpan<byte> _data = data;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Where the current chunk begins in the file.</summary>
    public int Begin { get; private set; }

    /// <summary>Where the next one begins.</summary>
    public int End { get; private set; } = Signature.Length;

    public uint Type { get; private set; }

    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>No reader may skip it.</summary>
    public readonly bool IsCritical => (Type & FirstLetterIsSmall) == 0;

    /// <summary>What is wrong with the place at which <see cref="MoveNext"/> stopped; null at the file's end.</summary>
    public string? Fault { get; private set; }

    /// <summary>The file ends within the chunk of <see cref="Type"/>.</summary>
    public bool IsCut { get; private set; }

    /// <returns>False where no whole chunk follows: at the file's end, or at a <see cref="Fault"/>.</returns>
    public bool MoveNext()
    {
        Begin = End;
        if (_data.Length - Begin < Frame)
            return false;
        var length = BinaryPrimitives.ReadUInt32BigEndian(_data[Begin..]);
        Type = BinaryPrimitives.ReadUInt32BigEndian(_data[(Begin + 4)..]);
        foreach (var letter in _data.Slice(Begin + 4, 4))
        {
            if (!char.IsAsciiLetter((char)letter))
                return Stop($"no chunk at byte {Begin}");
        }
        if (length > int.MaxValue)
            return Stop($"chunk {TypeName(Type)} of {length} bytes");
        IsCut = length > _data.Length - Begin - Frame;
        if (IsCut)
            return false;
        Content = _data.Slice(Begin + 8, (int)length);
        End = Begin + Frame + (int)length;
        return true;
    }

    /// <exception cref="Framework.Errors.UserErrorException">The bytes are not those that were written.</exception>
    public readonly void CheckCrc()
    {
        var stored = BinaryPrimitives.ReadUInt32BigEndian(_data[(End - 4)..]);
        if (Crc32.HashToUInt32(_data[(Begin + 4)..(End - 4)]) != stored)
            throw ImageErrors.Damaged(name, "PNG", $"the checksum of chunk {TypeName(Type)} at byte {Begin} is wrong");
    }

    public static string TypeName(uint type) =>
        Encoding.ASCII.GetString([(byte)(type >> 24), (byte)(type >> 16), (byte)(type >> 8), (byte)type]);

    private bool Stop(string fault)
    {
        Fault = fault;
        return false;
    }
}
