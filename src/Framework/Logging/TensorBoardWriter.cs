using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Tessera.Framework.Logging;

/// <summary>Writes scalars to an event file of TensorBoard's.</summary>
/// <remarks>
/// Formats: TensorFlow's event.proto and summary.proto, of which a handful of fields is needed (encoded here by hand),
/// in TFRecord frames: length, masked CRC-32C of the length, data, masked CRC-32C of the data.
/// </remarks>
public sealed class TensorBoardWriter : IDisposable
{
    private readonly FileStream _stream;

    /// <param name="folder">Made where it isn't there.</param>
    /// <param name="resumeFrom">The step a run continues from: TensorBoard drops what earlier files hold beyond it. null for a fresh run.</param>
    public TensorBoardWriter(string folder, long? resumeFrom = null)
    {
        Directory.CreateDirectory(folder);
        var seconds = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        // The time comes first, so that files sort in the order in which TensorBoard should read them.
        for (var number = 0; ; number++)
        {
            Path = System.IO.Path.Combine(folder, string.Create(CultureInfo.InvariantCulture,
                $"events.out.tfevents.{(long)seconds}.{Environment.MachineName}.{Environment.ProcessId}.{number}"));
            if (!File.Exists(Path)) break;
        }
        _stream = new FileStream(Path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        Write(new ProtobufWriter().Double(1, seconds).Text(3, "brain.Event:2"));
        if (resumeFrom is { } step)
            Write(new ProtobufWriter().Double(1, seconds).Integer(2, step + 1).Message(7, new ProtobufWriter().Integer(1, 1))); // SessionLog: START
    }

    public string Path { get; }

    /// <summary>One event that holds all values.</summary>
    public void Scalars(long step, IEnumerable<KeyValuePair<string, double>> values)
    {
        var summary = new ProtobufWriter();
        foreach (var (tag, value) in values) summary.Message(1, new ProtobufWriter().Text(1, tag).Single(2, (float)value));
        Write(new ProtobufWriter().Double(1, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0).Integer(2, step).Message(5, summary));
    }

    /// <summary>A picture.</summary>
    /// <param name="png">The file's bytes.</param>
    public void Image(long step, string tag, int height, int width, int channels, ReadOnlyMemory<byte> png)
    {
        var image = new ProtobufWriter().Integer(1, height).Integer(2, width).Integer(3, channels).Bytes(4, png.Span);
        var summary = new ProtobufWriter().Message(1, new ProtobufWriter().Text(1, tag).Message(4, image));
        Write(new ProtobufWriter().Double(1, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0).Integer(2, step).Message(5, summary));
    }

    public void Dispose() => _stream.Dispose();

    private void Write(ProtobufWriter message)
    {
        var data = message.ToArray();
        var record = new byte[16 + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedCrc(data));
        _stream.Write(record);
        _stream.Flush();
    }

    internal static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes) crc = BitOperations.Crc32C(crc, value);
        return unchecked(BitOperations.RotateRight(~crc, 15) + 0xA282EAD8);
    }
}

/// <summary>Protocol buffers' wire format, as much of it as events need.</summary>
internal sealed class ProtobufWriter
{
    private readonly MemoryStream _bytes = new();

    public ProtobufWriter Integer(int field, long value)
    {
        Varint((ulong)field << 3);
        Varint((ulong)value);
        return this;
    }

    public ProtobufWriter Double(int field, double value)
    {
        Varint((ulong)field << 3 | 1);
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        _bytes.Write(bytes);
        return this;
    }

    public ProtobufWriter Single(int field, float value)
    {
        Varint((ulong)field << 3 | 5);
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        _bytes.Write(bytes);
        return this;
    }

    public ProtobufWriter Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public ProtobufWriter Message(int field, ProtobufWriter value) => Bytes(field, value.ToArray());

    public ProtobufWriter Bytes(int field, ReadOnlySpan<byte> value)
    {
        Varint((ulong)field << 3 | 2);
        Varint((ulong)value.Length);
        _bytes.Write(value);
        return this;
    }

    public byte[] ToArray() => _bytes.ToArray();

    private void Varint(ulong value)
    {
        for (; value > 127; value >>= 7) _bytes.WriteByte((byte)(value | 128));
        _bytes.WriteByte((byte)value);
    }
}
