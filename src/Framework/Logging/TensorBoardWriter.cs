using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;
using static Google.Protobuf.WireFormat;

namespace Tessera.Framework.Logging;

/// <summary>Writes scalars to an event file of TensorBoard's.</summary>
/// <remarks>
/// Formats: TensorFlow's event.proto and summary.proto, of which a handful of fields is needed (written field by field, without
/// generated classes), in TFRecord frames: length, masked CRC-32C of the length, data, masked CRC-32C of the data.
/// </remarks>
public sealed class TensorBoardWriter : IDisposable
{
    private readonly FileStream _stream;

    /// <param name="folder">Made where it isn't there.</param>
    /// <param name="resumeFrom">The step a run continues from: TensorBoard drops what earlier files hold beyond it. null for a fresh
    /// run.</param>
    public TensorBoardWriter(string folder, long? resumeFrom = null)
    {
        Directory.CreateDirectory(folder);
        var seconds = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        // The time comes first, so that files sort in the order in which TensorBoard should read them.
        for (var number = 0; ; number++)
        {
            Path = System.IO.Path.Combine(
                folder,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"events.out.tfevents.{(long)seconds}.{Environment.MachineName}.{Environment.ProcessId}.{number}"
                )
            );
            if (!File.Exists(Path))
                break;
        }
        _stream = new FileStream(Path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        Write(seconds, output => Text(output, 3, "brain.Event:2"));
        if (resumeFrom is { } step)
        {
            Write(
                seconds,
                output =>
                {
                    Integer(output, 2, step + 1);
                    Bytes(output, 7, Message(session => Integer(session, 1, 1))); // SessionLog: START
                }
            );
        }
    }

    public string Path { get; }

    /// <summary>One event that holds all values.</summary>
    public void Scalars(long step, IEnumerable<KeyValuePair<string, double>> values)
    {
        Summary(
            step,
            summary =>
            {
                foreach (var (tag, value) in values)
                {
                    Bytes(
                        summary,
                        1,
                        Message(entry =>
                        {
                            Text(entry, 1, tag);
                            entry.WriteTag(2, WireType.Fixed32);
                            entry.WriteFloat((float)value);
                        })
                    );
                }
            }
        );
    }

    /// <summary>A picture.</summary>
    /// <param name="png">The file's bytes.</param>
    public void Image(long step, string tag, int height, int width, int channels, ReadOnlyMemory<byte> png)
    {
        Summary(
            step,
            summary =>
                Bytes(
                    summary,
                    1,
                    Message(entry =>
                    {
                        Text(entry, 1, tag);
                        Bytes(
                            entry,
                            4,
                            Message(image =>
                            {
                                Integer(image, 1, height);
                                Integer(image, 2, width);
                                Integer(image, 3, channels);
                                Bytes(image, 4, png);
                            })
                        );
                    })
                )
        );
    }

    public void Dispose() => _stream.Dispose();

    private void Summary(long step, Action<CodedOutputStream> fields)
    {
        Write(
            DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0,
            output =>
            {
                Integer(output, 2, step);
                Bytes(output, 5, Message(fields));
            }
        );
    }

    private void Write(double seconds, Action<CodedOutputStream> fields)
    {
        var data = Message(output =>
        {
            output.WriteTag(1, WireType.Fixed64);
            output.WriteDouble(seconds);
            fields(output);
        });
        var record = new byte[16 + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedCrc(data));
        _stream.Write(record);
        _stream.Flush();
    }

    private static byte[] Message(Action<CodedOutputStream> fields)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
            fields(output);
        return bytes.ToArray();
    }

    private static void Integer(CodedOutputStream output, int field, long value)
    {
        output.WriteTag(field, WireType.Varint);
        output.WriteInt64(value);
    }

    private static void Text(CodedOutputStream output, int field, string value)
    {
        output.WriteTag(field, WireType.LengthDelimited);
        output.WriteString(value);
    }

    private static void Bytes(CodedOutputStream output, int field, ReadOnlyMemory<byte> value)
    {
        output.WriteTag(field, WireType.LengthDelimited);
        output.WriteBytes(UnsafeByteOperations.UnsafeWrap(value)); // not copied: written before this returns
    }

    internal static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
            crc = BitOperations.Crc32C(crc, value);
        return unchecked(BitOperations.RotateRight(~crc, 15) + 0xA282EAD8);
    }
}
