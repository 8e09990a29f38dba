using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>A pickle's bytes, read from its beginning: numbers, texts, lines.</summary>
/// <param name="file">For messages.</param>
/// <param name="bytes">The pickle, and whatever follows it.</param>
internal sealed class PickleBytes(FileBytes file, ReadOnlyMemory<byte> bytes)
{
    private const int MaxNumberBytes = 64;

    private const int MaxLine = 1024;

    /// <summary>Where the next unread byte lies.</summary>
    public int Position { get; private set; }

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > bytes.Length - Position)
            throw WeightsFileErrors.Truncated(file, "the pickle");
        var taken = bytes.Span.Slice(Position, count);
        Position += count;
        return taken;
    }

    public byte Byte() => Take(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    /// <summary>A length of four bytes.</summary>
    public int Length4() =>
        UInt32() is <= int.MaxValue and var length ? (int)length : throw WeightsFileErrors.Truncated(file, "the pickle");

    /// <summary>A length of eight bytes.</summary>
    public int Length8() =>
        BinaryPrimitives.ReadUInt64LittleEndian(Take(8)) is <= int.MaxValue and var length
            ? (int)length
            : throw WeightsFileErrors.Truncated(file, "the pickle");

    /// <summary>A whole number of so many bytes: a long where it fits, else a BigInteger.</summary>
    public object Integer(int length)
    {
        if (length is < 0 or > MaxNumberBytes)
            throw Bad($"a number of {length} bytes");
        var value = new BigInteger(Take(length));
        // without the cast it would stay a BigInteger
        return value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;
    }

    public string Text(int length) => Encoding.UTF8.GetString(Take(length));

    /// <summary>A string of Python 2.</summary>
    public string Latin(int length) => Encoding.Latin1.GetString(Take(length));

    /// <summary>Up to the line's end, which is left out.</summary>
    public string Line()
    {
        var rest = bytes.Span[Position..];
        var length = rest[..Math.Min(rest.Length, MaxLine)].IndexOf((byte)'\n');
        if (length < 0)
            throw Bad("a line has no end");
        Position += length + 1;
        return Encoding.UTF8.GetString(rest[..length]);
    }

    /// <summary>A whole number, or a truth value, as a line of text.</summary>
    public object TextInteger() =>
        Line().TrimEnd('L') switch
        {
            "00" => false,
            "01" => true,
            var text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
                ? value
                : throw Bad("a number can't be read"),
        };

    /// <summary>A number as a line of text.</summary>
    public double TextReal() =>
        double.TryParse(Line(), NumberStyles.Float, CultureInfo.InvariantCulture, out var real)
            ? real
            : throw Bad("a number can't be read");

    /// <summary>A place in the memo as a line of text.</summary>
    public long TextIndex() =>
        long.TryParse(Line(), NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : throw Bad("an index can't be read");

    private UserErrorException Bad(string why) => WeightsFileErrors.BadPickle(file, why);
}
