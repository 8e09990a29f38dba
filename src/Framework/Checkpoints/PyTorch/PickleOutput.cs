using System.Buffers.Binary;
using System.Text;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>A pickle of protocol 2 in the making: texts, numbers, tuples, names.</summary>
internal sealed class PickleOutput
{
    private readonly MemoryStream _bytes = new();

    public PickleOutput() => Write([0x80, 2]);

    public byte[] Bytes => _bytes.ToArray();

    /// <summary>Instructions as they are.</summary>
    public void Write(ReadOnlySpan<byte> instructions) => _bytes.Write(instructions);

    public void Global(string module, string name) => Write(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

    public void Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        Write("X"u8);
        Write(length);
        Write(bytes);
    }

    public void Integer(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        Write([0x8A, 8]);
        Write(bytes);
    }

    public void Tuple(IEnumerable<long> values)
    {
        Write("("u8);
        foreach (var value in values)
            Integer(value);
        Write("t"u8);
    }
}
