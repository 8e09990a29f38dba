using System.Text;

namespace Tessera.Onnx.Format;

/// <summary>A message of Protocol Buffers that is written without being held in memory twice: large byte fields stay where they
/// are.</summary>
internal sealed class ProtoMessage
{
    private const int Varint = 0,
        Bytes = 2,
        Fixed32 = 5;

    private readonly List<ReadOnlyMemory<byte>> _parts = [];

    public long Length { get; private set; }

    public void Number(int field, long value)
    {
        if (value != 0)
            Always(field, value);
    }

    /// <summary>Zero is written, too.</summary>
    public void Always(int field, long value)
    {
        Key(field, Varint);
        Raw((ulong)value);
    }

    public void Float(int field, float value)
    {
        Key(field, Fixed32);
        Add(BitConverter.GetBytes(value));
    }

    public void Text(int field, string value)
    {
        if (value.Length > 0)
            Blob(field, Encoding.UTF8.GetBytes(value));
    }

    /// <summary>A text in a list, where an empty one counts.</summary>
    public void Item(int field, string value) => Blob(field, Encoding.UTF8.GetBytes(value));

    public void Blob(int field, ReadOnlyMemory<byte> value)
    {
        Key(field, Bytes);
        Raw((ulong)value.Length);
        Add(value);
    }

    public void Message(int field, ProtoMessage message)
    {
        Key(field, Bytes);
        Raw((ulong)message.Length);
        _parts.AddRange(message._parts);
        Length += message.Length;
    }

    public void WriteTo(Stream stream)
    {
        foreach (var part in _parts)
            stream.Write(part.Span);
    }

    private void Key(int field, int kind) => Raw((ulong)((field << 3) | kind));

    private void Raw(ulong value)
    {
        Span<byte> bytes = stackalloc byte[10];
        var count = 0;
        do
        {
            bytes[count++] = (byte)(value >= 0x80 ? (value & 0x7F) | 0x80 : value);
            value >>= 7;
        } while (value > 0);
        Add(bytes[..count].ToArray());
    }

    private void Add(ReadOnlyMemory<byte> bytes)
    {
        _parts.Add(bytes);
        Length += bytes.Length;
    }
}
